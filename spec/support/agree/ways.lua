--- Ways to read a query: each gives a function from query to rows, and what these must be; `limited` is whether all its
--- queries have a limit.
local ways = {}

local function all_of(query) return assert(query:all()) end

local function slice(list, from, to)
  local part = {}
  for i = from, math.min(to, #list) do part[#part + 1] = list[i] end
  return part
end

function ways.all(_, wanted) return all_of, wanted, false end

function ways.each(_, wanted)
  return function(query)
    local rows = {}
    for row in query:each() do rows[#rows + 1] = row end
    return rows
  end, wanted, true
end

function ways.first(_, wanted)
  return function(query)
    local row, message = query:first()
    if message then error(message, 0) end
    return { row }
  end, slice(wanted, 1, 1), true
end

function ways.limit(rng, wanted)
  local limit = rng.pick { 0, 1, rng.int(1, 10), rng.int(1, math.max(1, #wanted)), #wanted + 1 }
  return function(query) return all_of(query:limit(limit)) end, slice(wanted, 1, limit), true
end

function ways.offset(rng, wanted)
  local limit, offset = rng.int(1, 10), rng.int(0, #wanted + 1)
  return function(query) return all_of(query:limit(limit):offset(offset)) end, slice(wanted, offset + 1, offset + limit), true
end

ways["offset alone"] = function(rng, wanted)
  local offset = rng.int(0, #wanted + 1)
  return function(query) return all_of(query:offset(offset)) end, slice(wanted, offset + 1, #wanted), false
end

--- Pages, by cursor or by offset, make the whole.
function ways.pages(rng, wanted)
  local size, by_cursor = math.max(rng.int(1, 5), math.ceil(#wanted / 5)), rng.chance(60)
  return function(query)
    local rows, begun = {}, query:limit(size)
    while true do
      local page = assert(begun:page())
      for _, row in ipairs(page) do rows[#rows + 1] = row end
      if not page.next then return rows end
      begun = by_cursor and begun:after(page.next) or begun:offset(#rows)
    end
  end, wanted, true
end

ways["after a cursor"] = function(rng, wanted)
  local size, next_size = rng.int(1, math.max(1, #wanted)), rng.chance(50) and rng.int(1, 20) or nil
  return function(query)
    local page = assert(query:limit(size):page())
    if not page.next then return {} end
    if next_size then return all_of(query:limit(next_size):after(page.next)) end
    return all_of(query:after(page.next))
  end, slice(wanted, size + 1, size + (next_size or #wanted)), next_size ~= nil
end

local ways_of = {
  sessions = { "all", "all", "each", "first", "limit", "limit", "offset", "offset alone", "pages", "after a cursor" },
  requests = { "all", "each", "first", "limit", "limit", "limit", "offset", "offset", "offset alone", "pages", "pages", "after a cursor" },
}
ways_of.groups = ways_of.sessions

--- A way to read rows of a kind, with what must come of it: its name, the function, the rows, `limited`.
function ways.pick(rng, kind, wanted)
  local name = rng.pick(ways_of[kind])
  return name, ways[name](rng, wanted)
end

return ways
