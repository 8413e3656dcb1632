/* The words index: which bodies have a word. An FTS5 table without texts and places in them (body_words, made when it
   is first filled), whose tokens are the words of base/words.h. It gives candidates, and nobody trusts it further: each
   is looked at. What it cannot know are candidates too: bodies behind its end (word_index.indexed_end), and those that
   were put or changed before it since (body_change). Words of bodies that are gone stay until it is made anew, so
   erasing empties it. It is filled when asked for only: that takes several times as long as adding the bodies (measured: 4.5 times). */
#ifndef SQ_STORE_WORD_INDEX_H
#define SQ_STORE_WORD_INDEX_H

#include "store/sqlite.h"

/* Gives the connection the tokenizer and what asks for words. Where SQLite has no FTS5, there is no index. */
bool sq_word_index_register(sq_store *store);
/* Notes a body that a statement of ours has put or changed; what others do, triggers note. */
bool sq_word_index_note(sq_store *store, int64_t seq, sq_error *error);
/* Empties it, in the transaction at hand. */
bool sq_word_index_clear(sq_store *store, sq_error *error);

#endif
