/* UUIDs (RFC 9562) as 16 bytes and as text of 36 characters; those that stand for a name (version 5). */
#ifndef SQ_BASE_UUID_H
#define SQ_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQ_UUID_SIZE 16
#define SQ_UUID_LENGTH 36

extern const uint8_t sq_uuid_of_urls[SQ_UUID_SIZE]; /* the name space of URLs */

/* Reads xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, hexadecimal digits of either case. False: it is none. */
bool sq_uuid_read(const char *text, size_t length, uint8_t out[SQ_UUID_SIZE]);
/* Writes it in lower case, terminated. */
void sq_uuid_write(const uint8_t uuid[SQ_UUID_SIZE], char out[SQ_UUID_LENGTH + 1]);
/* The UUID of a name in a name space: always the same one. */
void sq_uuid_of_name(const uint8_t space[SQ_UUID_SIZE], const char *name, size_t length, uint8_t out[SQ_UUID_SIZE]);

#endif
