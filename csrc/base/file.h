/* Files that appear when they are whole. */
#ifndef SQ_BASE_FILE_H
#define SQ_BASE_FILE_H

#include "base/error.h"

/* Gives a finished file its name, so that it survives a power cut: syncs it, renames it, syncs the folder. */
bool sq_publish(const char *partial, const char *path, sq_error *error);

#endif
