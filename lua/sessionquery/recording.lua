--- Records and updates on their way to the store.
local check = require "sessionquery.check"
local reprice = require "sessionquery.reprice"

local recording = {}

--- Records as JSON lines; nil, what is wrong, its detail and the number of the record otherwise.
local function lines_of(list, what, level)
  local lines = {}
  for i = 1, #list do
    if type(list[i]) ~= "table" then error(("%s: record %d is a %s, not a table"):format(what, i, type(list[i])), level) end
    local text, message, detail = check.json(list[i], what, level - 2)
    if not text then return nil, message, detail, i end
    lines[i] = text
  end
  return table.concat(lines, "\n")
end

local of_record = {
  syntax = true, type = true, value = true, missing = true, limit = true, forbidden = true, unknown = true, not_found = true,
}

--- Takes in one record or a list of them; the counts, the ids, and whether it was a list.
local function write_records(db, open, records, what, options)
  if type(records) ~= "table" then error(("%s: expected a record or a list of records, got %s"):format(what, type(records)), 4) end
  local is_list = next(records) == nil or rawget(records, 1) ~= nil
  if is_list then check.list(records, what, 2) end
  local mode = options.on_conflict == "update" and "none" -- what is recorded already may have a cost
    or options.hold and "hold" or options.mode
  local lines, message, detail, number = lines_of(reprice.records(db, is_list and records or { records }, mode), what, 5)
  if lines then
    options.ids = true
    local counts, ids, place = open:ingest(lines, options)
    if counts then return counts, ids, is_list end
    -- what is wrong with the store, or with no record, is no record's fault
    message, detail, number = ids, place, of_record[place.code] and place.line > 0 and place.line
    detail.line, detail.offset, detail.length = nil, nil, nil -- of a text that the caller has not seen
  end
  if is_list and number then
    detail.record = number
    message = ("record %d: %s"):format(number, message)
  end
  return nil, message, detail
end

--- See Store:add. Mistakes raise at the method's caller.
function recording.add(db, open, records, options)
  options = check.options(options, { on_conflict = "string" }, "add", 1)
  local on_conflict = options.on_conflict
  if on_conflict then check.choice(on_conflict, { "replace", "skip", "update" }, "add: on_conflict", 1) end
  local counts, ids, is_list = write_records(db, open, records, "add", { mode = "strict", on_conflict = on_conflict })
  if not counts then return nil, ids, is_list end
  -- costs that come of a record and of what was there, or had waited for it
  if on_conflict == "update" or counts.merged > 0 then reprice.requests(db, ids) end
  if is_list then return ids end
  return ids[1]
end

--- See Store:update.
function recording.update(db, open, records, options)
  options = check.options(options, { hold = "boolean" }, "update", 1)
  local counts, message, detail = write_records(db, open, records, "update", { mode = "merge", hold = options.hold })
  if not counts then return nil, message, detail end
  if options.hold then return counts.updated, counts.held end
  return counts.updated
end

return recording
