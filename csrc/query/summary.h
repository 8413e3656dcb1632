/* Vendors' answers that say of all rows of a query what they come to. The rows are not kept. */
#ifndef SQ_QUERY_SUMMARY_H
#define SQ_QUERY_SUMMARY_H

#include "query/run.h"

/* Of the forms SUMMARY and SUMMARIES. */
bool sq_json_write_summaries(sq_store *store, const sq_query *query, sq_text *out, sq_error *error);
/* Of the form HISTOGRAMS: per member an array of {range_start, range_end, value}, and "average". */
bool sq_json_write_histograms(sq_store *store, const sq_query *query, sq_text *out, sq_error *error);

#endif
