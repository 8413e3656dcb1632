--- GET /info: what the client may send. It asks before its first batch; where it gets no answer it falls back to
--- multipart bodies without limits.
local core = require "sessionquery.core"

local info = {}

--- The largest body of runs, in bytes, and how many runs the client puts into one.
info.MOST_BYTES = 20 * 2 ^ 20
info.MOST_RUNS = 100

-- Of the hosted service, whose answers are those given here: the client warns below the one that it was written for.
local VERSION = "0.18.0"

local ANSWER = assert(core.encode {
  version = VERSION,
  license_expiration_time = core.null,
  batch_ingest_config = {
    use_multipart_endpoint = false,
    size_limit = info.MOST_RUNS,
    size_limit_bytes = info.MOST_BYTES / 2, -- the client guesses how long its JSON will be
    scale_up_qsize_trigger = 1000,
    scale_up_nthreads_limit = 16,
    scale_down_nempty_trigger = 4,
  },
  instance_flags = {
    ch_query_enabled = true,
    sdb_query_enabled = false,
    gzip_body_enabled = false,
    dataset_examples_multipart_enabled = false,
  },
})

info.routes = {
  { "info", GET = { function() return 200, ANSWER end, "record", open = true } },
}

return info
