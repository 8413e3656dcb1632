/* CRC32C (Castagnoli), as iSCSI and ext4 use it. */
#ifndef SQ_BASE_CHECKSUM_H
#define SQ_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of `bytes`, going on from the checksum of what stands before them (0: nothing). */
uint32_t sq_crc32c(uint32_t before, const void *bytes, size_t size);

#endif
