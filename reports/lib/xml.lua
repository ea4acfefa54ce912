-- Text for XML and HTML: markup is escaped, and what XML 1.0 cannot carry is spelled out as \xNN.
-- SPDX-License-Identifier: MIT
local xml = {}

local entity = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

-- Control bytes, bytes that are no UTF-8, U+FFFE and U+FFFF become \xNN; tab and line feed stay.
function xml.clean(s)
  s = tostring(s)
  if not utf8.len(s) then
    s = s:gsub("[\x80-\xff]", function(c) return ("\\x%02X"):format(c:byte()) end)
  end
  s = s:gsub("[%z\1-\8\11-\31\127]", function(c)
    return c == "\r" and "\\r" or ("\\x%02X"):format(c:byte())
  end)
  return (s:gsub("\xEF\xBF[\xBE\xBF]", { ["\xEF\xBF\xBE"] = "\\xEF\\xBF\\xBE", ["\xEF\xBF\xBF"] = "\\xEF\\xBF\\xBF" }))
end

function xml.text(s)
  return (xml.clean(s):gsub("[&<>\"']", entity))
end

-- For attributes: line ends survive as character references.
function xml.attribute(s)
  return (xml.text(s):gsub("\n", "&#10;"):gsub("\t", "&#9;"))
end

-- ' name="value"' for each pair whose value is there.
function xml.attributes(pairs_in_order)
  local out = {}
  for _, pair in ipairs(pairs_in_order) do
    if pair[2] ~= nil then out[#out + 1] = (' %s="%s"'):format(pair[1], xml.attribute(pair[2])) end
  end
  return table.concat(out)
end

return xml
