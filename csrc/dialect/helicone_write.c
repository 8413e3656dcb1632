#include "dialect/dialect.h"

bool sq_helicone_write(sq_writer *w, const sq_node *tree) {
  sq_unsaid(w, tree, "helicone filters cannot be written yet");
  return true;
}
