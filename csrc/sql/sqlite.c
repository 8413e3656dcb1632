/* SQLite as a target. Functions with the prefix sq_ are ours, registered by store/functions.c. */
#include "sql/sql.h"

#define OF_REQUEST "f.organization_id = $organization_id AND f.project = $project AND f.request_id = $request_id"
#define OF_SESSION "o.organization_id = $organization_id AND o.project = $project AND o.session_id = $k1"

/* What plain SQL wrote and is no JSON counts as text. */
#define JSON_OF(column) "CASE WHEN json_valid(" column ") THEN json(" column ") WHEN " column " IS NOT NULL THEN json_quote(CAST(" column " AS TEXT)) END"

/* Recorded scores under the newest feedback of each key. */
#define SCORES \
  "CASE WHEN EXISTS (SELECT 1 FROM feedback AS f WHERE " OF_REQUEST " AND f.score IS NOT NULL)" \
  " THEN json_patch(coalesce($scores, '{}'), (SELECT json_group_object(f.key, " JSON_OF("f.score") ") FROM feedback AS f" \
  " WHERE f.id IN (SELECT first_value(f.id) OVER (PARTITION BY f.key ORDER BY f.created_at_us DESC, f.id DESC)" \
  " FROM feedback AS f WHERE " OF_REQUEST " AND f.score IS NOT NULL))) ELSE $scores END"

#define FEEDBACK \
  "(SELECT nullif(json_group_array(json_patch(json_object('key', f.key, 'score', " JSON_OF("f.score") ", 'value', " JSON_OF("f.value") "," \
  " 'comment', f.comment, 'source', f.source, 'created_at', sq_iso(f.created_at_us))," \
  " json_object('uuid', f.uuid, 'extra', " JSON_OF("f.extra") "))), '[]')" \
  " FROM feedback AS f WHERE " OF_REQUEST ")"

#define USAGE "$run_type IN ('llm', 'embedding')"
#define TRACE_ROW "$run_type NOT IN ('llm', 'embedding')"
#define ENCLOSING "sq_enclosing(0, $organization_id, $project, $parent_id, $trace_id)"
#define IN_ERROR "($error IS NOT NULL OR $status >= 400 OR ($status < 0 AND $status <> -2))"
#define END_OF_ROW "coalesce($responded_at_us, $created_at_us + 1000 * $latency_ms, $created_at_us)"

static void put_parameter(sq_sql *sql, size_t number) { sq_text_format(&sql->text, "?%zu", number); }

const sq_sql_target sq_sqlite_target = {
    .name = "sqlite",
    .title = "SQLite",
    .explain = "EXPLAIN QUERY PLAN ",
    .explain_column = 3,
    .most_values = 5000, /* SQLite compares every constant with all before it, out of reach of the deadline */
    .compare = {[SQ_OP_EQ] = "@ = #",
                [SQ_OP_GT] = "@ > #",
                [SQ_OP_GTE] = "@ >= #",
                [SQ_OP_LT] = "@ < #",
                [SQ_OP_LTE] = "@ <= #",
                [SQ_OP_BETWEEN] = "@ BETWEEN # AND #",
                [SQ_OP_LIKE] = "sq_like(@, #)",
                [SQ_OP_ILIKE] = "sq_ilike(@, #)",
                [SQ_OP_CONTAINS] = "sq_contains(@, #)",
                [SQ_OP_PHRASE] = "sq_phrase(@, #)",
                [SQ_OP_PRESENT] = "@ IS NOT NULL",
                [SQ_OP_ABSENT] = "@ IS NULL"},
    .among_seqs = " IN (SELECT value FROM json_each(#))",
    .document_phrase = "sq_document_phrase(@, #)",
    .among_many = "@ IN (SELECT value FROM json_each(#))",
    .negate = "(@) IS NOT TRUE",
    .opaque = "(@) IS TRUE",
    .or_zero = "coalesce(@, 0)",
    .any_element = "EXISTS (SELECT 1 FROM json_each(@) AS i WHERE ",
    .element = "i.value",
    .any_close = ")",
    .elements = "json_each(@) AS x",
    .element_as_json = "CASE x.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_quote(x.value) END",
    .is_plain_element = "x.type NOT IN ('null', 'array', 'object')",
    .view = {[SQ_VIEW_STRING] = "sq_string(@)",
             [SQ_VIEW_NUMBER] = "sq_number(@)",
             [SQ_VIEW_BOOLEAN] = "sq_boolean(@)",
             [SQ_VIEW_AS_TEXT] = "sq_as_text(@)",
             [SQ_VIEW_AS_JSON] = "sq_as_json(@)",
             [SQ_VIEW_READABLE] = "sq_readable(@)",
             [SQ_VIEW_TYPE] = "sq_kind(@)"},
    .member = "@, #",
    .document_member = "sq_member(@, #)",
    .completion = USAGE,
    .trace_row = TRACE_ROW,
    .enclosing_completion = ENCLOSING,
    .enclosing_row = "CASE WHEN " USAGE " THEN " ENCLOSING " ELSE $request_id END",
    .entry_of_map = "EXISTS (SELECT 1 FROM (SELECT @ AS map) AS m, json_each(m.map) AS e WHERE ",
    .entry_of_document = "EXISTS (SELECT 1 FROM sq_entries(@) AS e WHERE ",
    .entry_of_feedback = "EXISTS (SELECT 1 FROM feedback AS f WHERE " OF_REQUEST " AND ",
    .entry_close = ")",
    .entry_member = {[SQ_F_ENTRY_KEY] = "e.key", [SQ_F_ENTRY_VALUE] = "m.map, e.key"},
    .document_entry_member = {[SQ_F_ENTRY_KEY] = "e.key", [SQ_F_ENTRY_VALUE] = "e.value"},
    .feedback_member = {[SQ_F_ENTRY_KEY] = "f.key",
                        [SQ_F_ENTRY_VALUE] = "f.value",
                        [SQ_F_ENTRY_SCORE] = "f.score",
                        [SQ_F_ENTRY_COMMENT] = "f.comment",
                        [SQ_F_ENTRY_SOURCE] = "f.source",
                        [SQ_F_ENTRY_CREATED_AT] = "f.created_at_us",
                        [SQ_F_ENTRY_ID] = "f.id"},
    .field = {[SQ_F_SCORES] = SCORES, [SQ_F_FEEDBACK] = FEEDBACK},
    .aggregate = {[SQ_A_LATEST] = "coalesce(sq_latest(@, $created_at_us, $request_id, $project), '')",
                  [SQ_A_MIN] = "min(@)",
                  [SQ_A_MAX] = "max(@)",
                  [SQ_A_DURATION] = "max(0, max(" END_OF_ROW ") - min($created_at_us)) / 1000.0",
                  [SQ_A_COUNT] = "count(*)",
                  [SQ_A_SESSIONS] = "count(DISTINCT length($project) || ':' || $project || $session_id)",
                  [SQ_A_SUM] = "sq_sum(CASE WHEN " USAGE " THEN @ END)",
                  [SQ_A_TOTAL] = "sq_sum(@)",
                  [SQ_A_KNOWN] = "count(@)",
                  [SQ_A_AVERAGE] = "sq_average(@)",
                  [SQ_A_QUANTILE] = "sq_quantile(@, %)",
                  [SQ_A_ERRORS] = "count(CASE WHEN " IN_ERROR " THEN 1 END)",
                  [SQ_A_ERROR_RATE] = "CAST(count(CASE WHEN " IN_ERROR " THEN 1 END) AS REAL) / nullif(count(CASE WHEN " IN_ERROR
                                      " OR $status <> -2 THEN 1 END), 0)",
                  [SQ_A_TRUE_RATE] = "CAST(count(CASE WHEN @ THEN 1 END) AS REAL) / nullif(count(@), 0)",
                  [SQ_A_UNKNOWN_USAGE] = "count(CASE WHEN " USAGE " AND $prompt_tokens IS NULL AND $completion_tokens IS NULL"
                                         " AND $total_tokens IS NULL THEN 1 END)",
                  [SQ_A_DISTINCT] = "sq_distinct(@)",
                  [SQ_A_DISTINCT_ELEMENTS] = "sq_distinct_elements(@)",
                  [SQ_A_FEEDBACK] = "sq_feedback((SELECT nullif(json_group_array(json_array(f.key, " JSON_OF("f.score") ", " JSON_OF("f.value") ")), '[]')"
                                    " FROM feedback AS f WHERE " OF_REQUEST "))",
                  [SQ_A_OWN_TAGS] = "(SELECT sq_distinct(o.tag) FROM session_tag AS o WHERE " OF_SESSION ")",
                  [SQ_A_OWN_METADATA] = "(SELECT o.metadata FROM session_metadata AS o WHERE " OF_SESSION ")",
                  [SQ_A_OWN_RATING] = "(SELECT CASE WHEN o.score IN ('true', '1') THEN '1' WHEN o.score IN ('false', '0') THEN '0' END"
                                      " FROM feedback AS o WHERE " OF_SESSION " AND o.key = 'helicone-session-feedback'"
                                      " ORDER BY o.created_at_us DESC, o.id DESC LIMIT 1)",
                  [SQ_A_OWN_FEEDBACK] = "(SELECT sq_feedback(o.key, o.score, o.value) FROM feedback AS o WHERE " OF_SESSION ")"},
    .bucket = {[SQ_HOUR] = "sq_bucket(@, 0, %)",
               [SQ_DAY] = "sq_bucket(@, 1, %)",
               [SQ_WEEK] = "sq_bucket(@, 2, %)",
               [SQ_MONTH] = "sq_bucket(@, 3, %)"},
    .key_of_scalar = "sq_scalar(@, #)",
    .value_of_key = "sq_scalar(#)",
    .text_of_key = "CASE WHEN typeof(s.k1) = 'text' THEN s.k1 END",
    .in_session = "+$session_id IS NOT NULL AND ", /* the +: no reason to walk the index of sessions */
    .page = " LIMIT # OFFSET #",
    .may_have_words = "$seq IN (SELECT w.rowid FROM body_words AS w WHERE w.body_words MATCH sq_words(#)"
                      " UNION ALL SELECT b.seq FROM body AS b WHERE b.seq > (SELECT indexed_end FROM word_index)"
                      " UNION ALL SELECT c.seq FROM body_change AS c)",
    .parameter = put_parameter,
};
