/* What the files of the binding share. Only this folder sees lua.h, and of the library it sees
   sessionquery.h only.

   Pattern of every function here: check all arguments (which may raise), make the userdata that will own
   what is acquired, acquire into it, push results. What can fail for reasons of data or the world returns
   nil, message, detail. */
#ifndef SQ_LUA_BINDING_H
#define SQ_LUA_BINDING_H

#include <stdlib.h>
#include <string.h>

#include "lua/compat.h"
#include "sessionquery.h"

/* --- value.c */

/* nil, message, {code, offset, length, pointer}; returns 3. */
int binding_fail(lua_State *L, const sq_error *error);
/* A Lua value as one to compare with or to record; the text stays the stack's. False for what is none. */
bool binding_to_value(lua_State *L, int index, sq_value *out);
/* What a column's type means for its values: times and money become numbers of seconds and dollars, an absent list or
   map is an empty table. */
typedef enum binding_type { BINDING_PLAIN, BINDING_TIME, BINDING_MONEY, BINDING_SCALAR, BINDING_TABLE } binding_type;
binding_type binding_type_of(const char *type);
bool binding_is_nil(binding_type type, const sq_value *value);
void binding_push_value(lua_State *L, binding_type type, const sq_value *value);
/* Pushes what a JSON text says; the text must be valid JSON. null is nil in objects, sq.null in arrays.
   A number that no double holds is text. */
void binding_push_json(lua_State *L, const char *text, size_t length);
/* The same, checked, so that binding_encode can write it again: null is sq.null everywhere, and an empty
   array is known for one. False, and nothing is pushed, when the text is not JSON or, unless the last one wins, names
   a key twice. */
bool binding_decode(lua_State *L, const char *text, size_t length, bool last_wins, sq_error *error);
/* The members of a JSON object by their names (of two of one name the last), or the elements of an array, each as the text
   it stands there as; and "object" or "array": two values are pushed. False, and nothing is, when the text is neither. */
bool binding_split(lua_State *L, const char *text, size_t length, sq_error *error);
/* Whether the table at `index` is an empty array of binding_decode's. */
bool binding_is_empty_array(lua_State *L, int index);

/* A growing text that the stack owns: pushes its userdata. */
sq_text *binding_new_text(lua_State *L);
/* Pushes the text as a string, and empties it. */
void binding_push_text(lua_State *L, sq_text *text);

/* The text of a member of the table at `index`, or NULL; it stays the table's (so a number, which would be
   converted to a string of nobody's, is refused). Raises on anything else. */
const char *binding_text_member(lua_State *L, int index, const char *name, size_t *length);
/* The same of text that is terminated: raises where it holds a NUL, too. */
const char *binding_terminated_member(lua_State *L, int index, const char *name);

/* --- encode.c */

/* Why a value cannot be JSON: an error code or "cdata", a static sentence, and the place. */
typedef struct binding_fault {
  const char *code, *message;
  char pointer[128];
} binding_fault;

/* Appends a Lua value as JSON. `strict`: text that is not UTF-8, or holds NUL, cannot be written. */
bool binding_encode(lua_State *L, int index, bool strict, sq_text *out, binding_fault *fault);

/* --- the userdata types: a pointer each, NULL when closed */
#define BINDING_FILTER "sessionquery.filter"
#define BINDING_QUERY "sessionquery.query"
#define BINDING_STORE "sessionquery.store"
#define BINDING_ROWS "sessionquery.rows"
#define BINDING_READER "sessionquery.reader"
#define BINDING_INFLATER "sessionquery.inflater"

/* Pushes a new userdata of the type whose pointer is still NULL. */
void **binding_new(lua_State *L, const char *type);
/* The pointer of argument `index`; raises when it is of another type, or closed. */
void *binding_check(lua_State *L, int index, const char *type);
/* Makes the metatable of a type: its methods, and the same closing function for __gc and, of what holds
   resources and is `closeable`, for __close and close. (Filters and queries are values: others may hold them.) */
void binding_make_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close, bool closeable);

/* --- the parts of the module: each adds its functions to the table on the stack's top */
void binding_open_filter(lua_State *L);
void binding_open_query(lua_State *L);
void binding_open_store(lua_State *L);
void binding_open_reader(lua_State *L);
void binding_open_plain(lua_State *L);
void binding_open_keys(lua_State *L);
void binding_open_projects(lua_State *L);
void binding_open_inflater(lua_State *L);
void binding_open_skim(lua_State *L);

#endif
