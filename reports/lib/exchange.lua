-- The exchange of a scenario as HTML: C: and S: lines with their time, line ends and control bytes visible but
-- quiet, TLS as a boundary, long data folded. Small tags (i b u em) because a report has many such lines.
-- SPDX-License-Identifier: MIT
local xml = require "reports.lib.xml"
local exchange = {}

local FOLD_ROWS, HEAD, TAIL = 14, 8, 3 -- of more rows than FOLD_ROWS the first and last few are shown
local ROW_BYTES = 400                 -- the most bytes of one row
local FOLDED_BYTES = 8192             -- the most bytes inside one fold

local function thousands(n)
  local s = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (s:gsub("^,", ""))
end
exchange.thousands = thousands

-- One row of bytes: what is not printable is escaped and dimmed. A backslash that the wire carried is not dimmed,
-- so it needs no escape to be told from ours.
local function spell(run, bytes)
  local more = ""
  if #bytes > ROW_BYTES + 40 then
    more = (" <u>… %s more bytes</u>"):format(thousands(#bytes - ROW_BYTES))
    bytes = bytes:sub(1, ROW_BYTES)
  end
  local out = {}
  for plain, odd in bytes:gmatch "([\x20-\x7e]*)([^\x20-\x7e]*)" do
    if plain ~= "" then out[#out + 1] = xml.text(plain) end
    if odd ~= "" then out[#out + 1] = "<u>" .. run.escape(odd) .. "</u>" end
  end
  return table.concat(out) .. more
end

local function rows_of(bytes)
  local rows, at = {}, 1
  while at <= #bytes do
    local lf = bytes:find("\n", at, true) or #bytes
    rows[#rows + 1] = bytes:sub(at, lf)
    at = lf + 1
  end
  return rows
end

local function data(run, line, add, fold)
  local sent = line.kind == "sent"
  local lead = ("<i>%7.3f  %s</i> %s "):format(line.at, xml.text(line.conn or ""), sent and "C:" or "S:")
  local open, close = sent and "<b>" or "", sent and "</b>" or ""
  if line.here then
    open, close = open .. '<span class="h">', "  ← here</span>" .. close
  end
  if not line.bytes then
    return add(lead .. ("<u>[%s bytes that the record does not hold]</u>"):format(thousands(line.lost or 0)))
  end
  local rows = rows_of(line.bytes)
  if #rows <= FOLD_ROWS then
    for i, row in ipairs(rows) do
      local last = i == #rows
      add(lead .. (sent and "<b>" or "") .. (line.here and last and '<span class="h">' or "") .. spell(run, row)
        .. (line.here and last and "  ← here</span>" or "") .. (sent and "</b>" or ""))
    end
    return
  end
  for i = 1, HEAD do add(lead .. (sent and "<b>" or "") .. spell(run, rows[i]) .. (sent and "</b>" or "")) end
  local inside, bytes, total = {}, 0, 0
  for i = HEAD + 1, #rows - TAIL do
    total = total + #rows[i]
    if bytes < FOLDED_BYTES then
      inside[#inside + 1] = spell(run, rows[i])
      bytes = bytes + #rows[i]
    end
  end
  local count = #rows - TAIL - HEAD
  if #inside < count then inside[#inside + 1] = ("… %s more lines"):format(thousands(count - #inside)) end
  fold(("%s lines, %s bytes"):format(thousands(count), thousands(total)), table.concat(inside, "\n"))
  for i = #rows - TAIL + 1, #rows do
    add(lead .. open .. spell(run, rows[i]) .. close)
    if i < #rows then open, close = sent and "<b>" or "", sent and "</b>" or "" end
  end
end

local function words(line)
  local lead = ("<i>%7.3f  %s</i> "):format(line.at, xml.text(line.conn or "  "))
  local text = xml.text((line.text or ""):gsub("\n.*", ""))
  local where = line.where and (" <u>%s</u>"):format(xml.text(line.where)) or ""
  if line.kind == "check" then
    if line.ok then return lead .. '<span class="pass">✓ ' .. text .. "</span>" .. where end
    return lead .. '<span class="fail">✗ ' .. text .. "</span>" .. where
  elseif line.kind == "record" then
    return lead .. '<span class="noted">• ' .. text .. "</span>" .. where
  elseif line.kind == "tls" then
    return lead .. "<em>──── " .. text .. " ────</em>" .. (line.here and ' <span class="h">← here</span>' or "")
  end
  return lead .. "<em>— " .. text .. "</em>" .. (line.here and ' <span class="h">← here</span>' or "")
end

-- The whole exchange, at most about `budget` bytes of HTML; what does not fit is counted.
function exchange.html(run, c, failed, budget)
  local out, pre, size, left_out = {}, {}, 0, 0
  local function flush()
    if #pre > 0 then out[#out + 1] = "<pre>" .. table.concat(pre, "\n") .. "</pre>" end
    pre = {}
  end
  local function add(row)
    size = size + #row + 1
    pre[#pre + 1] = row
  end
  local function fold(title, text)
    flush()
    size = size + #text + 80
    out[#out + 1] = "<details><summary>" .. title .. "</summary><pre>" .. text .. "</pre></details>"
  end
  for _, line in ipairs(run.lines(c, failed)) do
    if line.kind ~= "step" then
      if size > budget and not line.here then
        left_out = left_out + 1
      elseif line.kind == "sent" or line.kind == "received" then
        data(run, line, add, fold)
      else
        add(words(line))
      end
    end
  end
  if left_out > 0 then
    add(("<i>… %s more lines are in run.jsonl and in the capture</i>"):format(thousands(left_out)))
  end
  flush()
  return table.concat(out)
end

return exchange
