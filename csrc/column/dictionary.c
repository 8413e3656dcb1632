/* Texts by entry, and entries by text. */
#include "column/format.h"

const char *sq_dictionary_text(const sq_dictionary *dictionary, uint32_t entry, char room[37], size_t *length) {
  if (dictionary->uuid) {
    sq_uuid_unpack((const unsigned char *)dictionary->bytes + (size_t)entry * 16, room);
    *length = 36;
    return room;
  }
  *length = dictionary->offsets[entry + 1] - dictionary->offsets[entry];
  return dictionary->bytes + dictionary->offsets[entry];
}

/* How an entry stands to the text; `packed`: the text as a UUID, where both are UUIDs, which are in the order of their bytes. */
static int compare_entry(const sq_dictionary *dictionary, uint32_t entry, const char *text, size_t length, const unsigned char *packed) {
  char room[37];
  size_t size;
  if (packed) return memcmp(dictionary->bytes + (size_t)entry * 16, packed, 16);
  const char *own = sq_dictionary_text(dictionary, entry, room, &size);
  return sq_compare_bytes(own, size, text, length);
}

uint32_t sq_dictionary_seek(const sq_dictionary *dictionary, const char *text, size_t length, bool *same) {
  uint32_t low = 0, high = dictionary->count;
  unsigned char room[16];
  const unsigned char *packed = dictionary->uuid && sq_uuid_pack(text, length, room) ? room : NULL;
  *same = false;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = compare_entry(dictionary, middle, text, length, packed);
    if (order == 0) *same = true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
