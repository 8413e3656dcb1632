/* What a filter about a completion finds: Freeplay's sessions, traces and completions.

   The candidate is a completion (a request of run_type llm or embedding). Its filter F asks of its own row and, in
   enclosing(…), of the nearest trace row (any other request) around it. A trace row around no completion is a
   candidate too, one without the fields of a completion:

     candidates(F)  = or(and(completion, F), and(trace, not enclosed(true), F'))
     completions(F) = and(completion, F)
     traces(F)      = and(trace, or(enclosed(F), and(not enclosed(true), F')))
     F'             = F as a trace row sees it: enclosing(X) is X, and what is asked of a completion is false,
                      but for its session and its time, which every candidate has

   Of a filter that lets all through, the candidates are all requests and the traces all trace rows: nothing is looked up.

   Laws: what candidates(F) finds is what completions(F) finds and, for a filter that asks of traces only, the bare traces
   among what traces(F) finds; candidates(not F) is every other candidate. */
#ifndef SQ_IR_CANDIDATES_H
#define SQ_IR_CANDIDATES_H

#include "ir/build.h"

/* Which of the three forms. */
typedef enum sq_search { SQ_SEARCH_CANDIDATES, SQ_SEARCH_COMPLETIONS, SQ_SEARCH_TRACES } sq_search;

/* The form of a bound, flattened filter, which is left as it is: the tree is made of copies and not bound as a whole. */
sq_node *sq_build_search(sq_builder *builder, sq_search search, const sq_node *filter);

/* some(candidates(F)): the sessions that a whole filter finds. */
sq_node *sq_build_whole(sq_builder *builder, const sq_node *filter);

#endif
