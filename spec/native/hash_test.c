/* Hashes, and the ids that are made of them. */
#include "test.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "base/uuid.h"

static void hashes(void) {
  uint64_t key[2] = {0x0706050403020100u, 0x0F0E0D0C0B0A0908u}, out[2];
  char bytes[16];
  for (int i = 0; i < 16; i++) bytes[i] = (char)i;
  sq_siphash(key, bytes, 0, out); /* the reference implementation's vectors for 0 and 15 bytes */
  CHECK(out[0] == 0xE6A825BA047F81A3u && out[1] == 0x930255C71472F66Du, "%016llx %016llx", (unsigned long long)out[0], (unsigned long long)out[1]);
  sq_siphash(key, bytes, 15, out);
  CHECK(out[0] == 0x11A8B03399E99354u && out[1] == 0xD9C3CF970FEC087Eu, "%016llx %016llx", (unsigned long long)out[0], (unsigned long long)out[1]);
  char first[37], second[37];
  CHECK(sq_uuid_make(first) && sq_uuid_make(second), "random");
  CHECK(strlen(first) == 36 && first[14] == '7' && strchr("89ab", first[19]) && strcmp(first, second) != 0, "%s", first);
  sq_line_id((uint64_t[2]){1, 2}, 1, "x", 1, first);
  sq_line_id((uint64_t[2]){1, 2}, 2, "x", 1, second);
  CHECK(first[14] == '8' && strcmp(first, second) != 0, "%s", first);
}

/* Of NIST: FIPS 180-4's examples and its million; the lengths around the end of a block, by another implementation. */
static void sha256(void) {
  static const struct {
    const char *piece;
    size_t times;
    const char *hex;
  } cases[] = {
      {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {"x", 55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
      {"x", 56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
      {"x", 63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
      {"x", 64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
      {"x", 65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
      {"x", 119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
      {"x", 120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
      {"x", 128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].piece), size = length * cases[i].times;
    char *text = malloc(size + 1), hex[2 * SQ_SHA256_SIZE + 1];
    uint8_t hash[SQ_SHA256_SIZE];
    for (size_t k = 0; text && k < cases[i].times; k++) memcpy(text + k * length, cases[i].piece, length);
    if (text) sq_sha256(text, size, hash);
    for (int k = 0; k < SQ_SHA256_SIZE; k++) snprintf(hex + 2 * k, 3, "%02x", hash[k]);
    CHECK(text && strcmp(hex, cases[i].hex) == 0, "%.20s × %zu: %s", cases[i].piece, cases[i].times, hex);
    free(text);
  }
  uint8_t a[SQ_SHA256_SIZE], b[SQ_SHA256_SIZE];
  sq_sha256("a", 1, a);
  sq_sha256("a", 1, b);
  CHECK(sq_sha256_equal(a, b), "the same");
  for (int i = 0; i < 8 * SQ_SHA256_SIZE; i++) {
    b[i / 8] ^= (uint8_t)(1 << i % 8);
    CHECK(!sq_sha256_equal(a, b), "bit %d differs", i);
    b[i / 8] ^= (uint8_t)(1 << i % 8);
  }
}

/* Of FIPS 180-4 and RFC 3174; the lengths around the end of a block, by another implementation. In pieces of every length. */
static void sha1(void) {
  static const struct {
    const char *piece;
    size_t times;
    const char *hex;
  } cases[] = {
      {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
      {"0123456701234567012345670123456701234567012345670123456701234567", 10, "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
      {"x", 55, "cef734ba81a024479e09eb5a75b6ddae62e6abf1"},
      {"x", 56, "901305367c259952f4e7af8323f480d59f81335b"},
      {"x", 63, "0ddc4e0cccd9a12850deb5abb0853a4425559fec"},
      {"x", 64, "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163"},
      {"x", 65, "78c741ddc482e4cdf8c474a0876347a0905b6233"},
      {"x", 119, "4300320394f7ee239bcdce7d3b8bcee173a0cd5c"},
      {"x", 120, "ceb2821639c4b6dcb10bce0e522ca2e608ce056d"},
      {"x", 128, "150fa3fbdc899bd0b8f95a9fb6027f564d953762"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].piece), size = length * cases[i].times;
    char *text = malloc(size + 1), hex[2 * SQ_SHA1_SIZE + 1];
    uint8_t hash[SQ_SHA1_SIZE];
    for (size_t k = 0; text && k < cases[i].times; k++) memcpy(text + k * length, cases[i].piece, length);
    for (size_t piece = size > 1000 ? 4096 : 1; text && piece <= size + 1 && piece < 10000; piece++) {
      sq_sha1 sha;
      sq_sha1_begin(&sha);
      for (size_t at = 0; at < size; at += piece) sq_sha1_add(&sha, text + at, size - at < piece ? size - at : piece);
      sq_sha1_end(&sha, hash);
      for (int k = 0; k < SQ_SHA1_SIZE; k++) snprintf(hex + 2 * k, 3, "%02x", hash[k]);
      CHECK(strcmp(hex, cases[i].hex) == 0, "%.20s × %zu, by %zu: %s", cases[i].piece, cases[i].times, piece, hex);
      if (size > 1000) piece += 1000;
    }
    free(text);
  }
}

static void uuids(void) {
  static const char *const wrong[] = {"", "6ba7b811-9dad-11d1-80b4-00c04fd430c", "6ba7b811-9dad-11d1-80b4-00c04fd430c88",
                                      "6ba7b8119dad11d180b400c04fd430c8aaaa", "6ba7b811_9dad-11d1-80b4-00c04fd430c8",
                                      "6ba7b811-9dad-11d1-80b4-00c04fd430g8", "6ba7b81-19dad-11d1-80b4-00c04fd430c8"};
  uint8_t bytes[SQ_UUID_SIZE];
  char text[SQ_UUID_LENGTH + 1];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK(!sq_uuid_read(wrong[i], strlen(wrong[i]), bytes), "'%s'", wrong[i]);
  CHECK(sq_uuid_read("6BA7B811-9dad-11D1-80b4-00c04FD430c8", SQ_UUID_LENGTH, bytes), "either case");
  CHECK(memcmp(bytes, sq_uuid_of_urls, sizeof bytes) == 0, "bytes in order");
  sq_uuid_write(bytes, text);
  CHECK(strcmp(text, "6ba7b811-9dad-11d1-80b4-00c04fd430c8") == 0, "%s", text);
  sq_uuid_of_name(sq_uuid_of_urls, "http://www.example.com/", 23, bytes);
  sq_uuid_write(bytes, text);
  CHECK(strcmp(text, "fcde3c85-2270-590f-9e7c-ee003d65e0e2") == 0, "%s", text);
}

/* By Python's uuid.uuid5. */
static void project_ids(void) {
  static const struct {
    const char *organization, *name, *tenant, *project;
  } cases[] = {
      {"", "default", "1b4db7eb-4057-5ddf-91e0-36dec72071f5", "2c0cd2b4-4331-54c4-95cc-781ec23264cd"},
      {"acme", "shop", "7efecc64-b5ed-5dbf-b379-90a0ffcfe6df", "7794ddb3-d7c4-5c15-a016-d18734dae249"},
      {"https://example.com/ü", "", "a17f7a1d-6bb5-51a9-9d32-f9d2fdeec8b6", "90792164-b660-5908-9a42-d7f87938acdf"},
      {"2ED6657D-E927-568B-95E1-2665A8AEA6A2", "größe", "2ed6657d-e927-568b-95e1-2665a8aea6a2", "ce431062-090d-5357-9bf9-30b8ad29180a"},
      {"2ed6657de927568b95e12665a8aea6a2", "default", "d40982ee-bc2d-54d1-ae6c-8d60b31d7d5d", "8aa82a24-8318-553e-a5ed-4ef8ae450a28"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *organization = cases[i].organization, *name = cases[i].name;
    char tenant[37], project[37];
    sq_tenant_id(organization, strlen(organization), tenant);
    sq_project_id(organization, strlen(organization), name, strlen(name), project);
    CHECK(strcmp(tenant, cases[i].tenant) == 0, "'%s': %s", organization, tenant);
    CHECK(strcmp(project, cases[i].project) == 0, "'%s', '%s': %s", organization, name, project);
  }
}

int main(void) {
  hashes();
  sha256();
  sha1();
  uuids();
  project_ids();
  return report();
}
