/* Filters of rows over blocks of columns: tree → steps for a block → a bitmap of the rows that pass. */
#ifndef SQ_EXEC_SELECT_H
#define SQ_EXEC_SELECT_H

#include "base/pattern.h"
#include "column/segment.h"
#include "ir/ir.h"

#define SQ_BLOCK_WORDS (SQ_SEGMENT_ROWS / 64)

/* Kernels for this processor, or below it, so that tests can run all of them. */
typedef enum sq_level_of_kernels { SQ_KERNELS_SCALAR, SQ_KERNELS_AVX2, SQ_KERNELS_BEST = 99 } sq_kernels;

/* What a query has read, in whole cache lines of 64 bytes, and skipped. */
typedef struct sq_traffic {
  uint64_t bytes, rows, blocks, skipped, fragments;
} sq_traffic;

typedef struct sq_selector sq_selector;

/* Why the filter (of request fields) cannot be answered from columns, as a phrase; NULL when it can: bodies, root,
   in_trace, entry have no columns. */
const char *sq_selector_refuses(const sq_node *filter);
/* Prepares a filter for one query (patterns compiled, needles folded). Belongs to the caller, one thread at a
   time; the filter must outlive it. */
sq_selector *sq_selector_make(const sq_node *filter, sq_kernels kernels, sq_error *error);
void sq_selector_free(sq_selector *selector);
/* Ends long work (SQ_E_TIMEOUT) when the watch says so. NULL: none. */
void sq_selector_watch(sq_selector *selector, const sq_watch *watch);

typedef enum sq_zone { SQ_ZONE_NONE, SQ_ZONE_SOME, SQ_ZONE_ALL } sq_zone;

/* Whether no row of the block can pass, all do, or it must be looked at: from what a block says of its columns
   (min, max, dictionary, absence) alone. -1 after an error. */
int sq_select_zone(sq_selector *selector, const sq_block *block, sq_traffic *traffic, sq_error *error);
/* Clears from `bits` (of the block's rows, on entry those that are asked about: one for each, say) those that do
   not pass. Dead rows are the caller's to clear. */
bool sq_select_rows(sq_selector *selector, const sq_block *block, uint64_t *bits, sq_traffic *traffic, sq_error *error);

/* --- compare.c: one comparison on one value; what every path above ends in. */

/* A COMPARE with its pattern compiled and its values sorted. */
typedef struct sq_matcher sq_matcher;
sq_matcher *sq_matcher_make(const sq_node *compare, sq_error *error);
void sq_matcher_free(sq_matcher *matcher);
/* `value`: NULL (absent), INTEGER, REAL, BOOLEAN, STRING; of a list its JSON array, of a scalar its JSON text,
   both as STRING. */
bool sq_matcher_holds(sq_matcher *matcher, const sq_value *value);
/* False with an error when a comparison since the last call found no memory (and said false), or was ended by the
   watch. */
bool sq_matcher_whole(sq_matcher *matcher, sq_error *error);
void sq_matcher_watch(sq_matcher *matcher, const sq_watch *watch);
const sq_node *sq_matcher_node(const sq_matcher *matcher);
/* The literals, ascending; none of like, ilike and contains. */
const sq_value *sq_matcher_values(const sq_matcher *matcher, uint32_t *count);
/* The folded needle of a contains. */
const char *sq_matcher_needle(const sq_matcher *matcher, size_t *length);
/* Whether it looks at the value itself, neither at a list's elements nor into a scalar. */
bool sq_matcher_is_plain(const sq_matcher *matcher);
/* Whether it looks at a scalar's value. Then a scalar is equal to a literal when its JSON text, written as columns
   hold it, is one of the literal's forms 0, 1: appends that form to `out`; false when there is no such form. */
bool sq_matcher_has_forms(const sq_matcher *matcher);
bool sq_matcher_form(const sq_matcher *matcher, const sq_value *literal, unsigned form, sq_text *out);

#endif
