/* JSON text beyond the public reader: finding the place of an error, writing, looking a member up. */
#ifndef SQ_BASE_JSON_H
#define SQ_BASE_JSON_H

#include "base/arena.h"
#include "base/text.h"

/* Writes the RFC 6901 pointer of the value or key that begins at `offset` ("" when it does not fit). The text must be valid up to there. */
void sq_json_pointer(const char *text, size_t length, size_t offset, char *out, size_t room);

/* The four hexadecimal digits of an escape; -1 when they are none. */
int sq_json_hex(const char *at);

/* After KEY: where the value begins that comes next, past the white space before it. */
const char *sq_json_value_start(const sq_json *reader);
/* After KEY or STRING: its plain text, in the text itself, or unescaped in the arena. False when memory ended. */
bool sq_json_text(const sq_json *reader, sq_arena *arena, sq_value *out);

/* After a BEGIN token was read: reads on to its END. False at an error. */
bool sq_json_skip(sq_json *reader);

/* After KEY or a value token: whether the string token is this text. */
bool sq_json_token_is(const sq_json *reader, const char *text, size_t length);

/* Finds a member of a JSON object and leaves the reader behind the first token of its value, which is
   returned; SQ_TOKEN_END when there is no such member or the text is no object. The last of several
   members of one name counts. */
sq_token sq_json_member(sq_json *reader, const char *text, size_t length, const char *key, size_t key_length);

/* A JSON document as people read it: with what the escapes in its strings stand for, so that no word begins with the n
   of a line's end. What has none, or is no JSON, is the text itself; else it is made in `room`. NULL: memory ended. */
const char *sq_json_readable(const char *text, size_t *length, sq_text *room);

void sq_json_write_integer(sq_text *out, int64_t value);
/* NaN and infinities have no JSON: they become null. */
void sq_json_write_real(sq_text *out, double value);

#endif
