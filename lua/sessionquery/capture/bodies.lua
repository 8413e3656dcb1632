--- Bodies, kept up to a bound.
local bodies = {}

--- The text up to `most` bytes, never cut within a character. The second value is how many bytes that is.
function bodies.head(text, most)
  if #text <= most then return text, #text end
  local last = most
  -- Back over the continuation bytes of the character that is cut, to its first byte; broken text has more of them.
  for back = 0, 3 do
    local byte = text:byte(last + 1)
    if not byte or byte < 0x80 or byte >= 0xC0 then break end
    if back == 3 then
      last = most
    else
      last = last - 1
    end
  end
  return text:sub(1, math.max(last, 0)), math.max(last, 0)
end

--- The same with a mark, when the whole was `total` bytes.
function bodies.cut(text, most, total)
  if total <= most then return text end
  local head, kept = bodies.head(text, most)
  return ("%s…[cut at %d bytes of %d]"):format(head, kept, total)
end

--- Whether a body of this type is text that one can keep and read.
function bodies.is_text(content_type)
  if not content_type then return true end
  content_type = content_type:lower()
  return content_type:find("json", 1, true) ~= nil or content_type:find("^%s*text/") ~= nil
    or content_type:find("x-www-form-urlencoded", 1, true) ~= nil
end

return bodies
