/* The measures of fragments, from their rows. */
#ifndef SQ_COLUMN_MEASURE_H
#define SQ_COLUMN_MEASURE_H

#include "column/encode.h"
#include "column/sessions.h"

/* Adds the parts of all measures, and of the rows that name the sessions. */
bool sq_encode_measures(sq_encoder *encoder, const sq_rows_builder *builder, const sq_arranged *arranged);

#endif
