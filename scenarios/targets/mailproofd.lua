-- The reference server, started on free ports with eight accounts and a store in memory: what `mailproof run` tests
-- when no target is named. `--fault NAME` makes it misbehave.
-- SPDX-License-Identifier: MIT
local accounts, start = {}, {
  mailproof.daemon, "--ports", "ephemeral", "--store", ":memory:", "--state", mailproof.state,
  "--domain", "test.example", "--exit-with-stdin",
  "--relay-port", tostring(mailproof.port_base),
  "--etrn-from", "127.0.0.0/8", "--etrn-from", "::1",      -- no scenario that tries ETRN logs in first
  "--limit", "message_bytes=2097152",                      -- small enough to be passed by a scenario
}
for n = 1, 8 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
  table.move({ "--user", "user" .. n .. ":pass" }, 1, 2, #start + 1, start)
end
-- What a scenario wants of a server of its own.
for _, flag in ipairs(mailproof.flags) do
  start[#start + 1] = flag:gsub("{authority}", function() return require "wire".authority(mailproof.state) end)
end
-- One more beside another shows the same certificates: making its own would be half of its start.
for _, file in ipairs(mailproof.beside and { "ca", "server", "public" } or {}) do
  for _, kind in ipairs { "key", "pem" } do
    local from = assert(io.open(("%s/%s.%s"):format(mailproof.beside, file, kind), "rb"))
    local to = assert(io.open(("%s/%s.%s"):format(mailproof.state, file, kind), "wb"))
    assert(to:write(from:read "a"))
    assert(to:close())
    from:close()
  end
end
-- An IMAP that misbehaves is no instrument: mailboxes are then filled and looked at by other ways.
local imap_is_sound = true
for _, fault in ipairs(mailproof.faults) do
  if fault:find "^imap%-" then imap_is_sound = false end
  table.move({ "--fault", fault }, 1, 2, #start + 1, start)
end

return {
  name = "mailproofd",
  start = start,
  domain = "test.example",
  accounts = accounts,
  throwaway = true,
  faults = true,
  own_server = true, -- it starts in milliseconds: who moves its clock gets one for itself
  relay_port = mailproof.port_base,
  fill = imap_is_sound and "append" or "lmtp",
  look = imap_is_sound and "imap" or "pop3",
  verify_name = "localhost",
}
