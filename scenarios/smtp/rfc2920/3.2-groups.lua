-- Groups of commands: no reply is kept back that somebody waits for, and nothing is lost. RFC 2920, 3.2.
-- SPDX-License-Identifier: MIT

scenario {
  name    = "no-reply-is-kept-back",
  title   = "Each command that comes alone is answered at once",
  proves  = { "rfc2920-3.2-5", "rfc2920-3.2-6", "rfc2920-3.2-7", "rfc2920-3.2-8" },
  says    = [[The server may collect replies while there is input; when that is used up all that is pending goes out.
              EHLO, DATA, VRFY, NOOP and unknown commands are answered without waiting for more in any case.]],
  why     = [[A client that does not pipeline waits for the reply before it says another word: both would wait for
              ever.]],
  needs   = { "PIPELINING" },
  catches = { "smtp-rcpt-reply-held-back", "smtp-segment-is-line", "smtp-code-range",
    "smtp-unknown-command-closes", "smtp-rset-closes", "smtp-pipelining-flushes" },
  run = function(t)
    local c = t:smtp()
    for _, command in ipairs { "NOOP", "VRFY ann", "NOSUCHCOMMAND", "MAIL FROM:<ann@client.example>",
      "RCPT TO:<" .. t.user.address .. ">", "RSET", "EHLO client.test.example", "MAIL FROM:<ann@client.example>",
      "RCPT TO:<" .. t.user.address .. ">", "RCPT TO:<" .. t.user.address .. ">", "DATA" } do
      c:send(command)
      c:expect("2yz", "354", "4yz", "5yz")
    end
    -- a group whose last command has not come whole: the replies to the others do not wait for it
    c = t:smtp()
    c:write("MAIL FROM:<ann@client.example>\r\nRCPT TO:<" .. t.user.address .. ">\r\nRS")
    c:expect "250"
    c:expect "25z"
    c:write "ET\r\n"
    c:expect "250"
  end,
}

scenario {
  name    = "nobody-gets-it",
  title   = "A message in a group whose recipients were all refused is sent to nobody",
  proves  = { "rfc2920-3.2-3", "rfc2920-3.2-4", "rfc2920-3.2-9" },
  says    = [[MAIL, refused RCPTs and DATA may come in one write. DATA is then refused, or the text that follows a 354
              goes nowhere; every command has its reply.]],
  why     = [[The client cannot know of the refusals when it sends DATA. What it sends then must not be taken for a
              promise.]],
  needs   = { "PIPELINING" },
  users   = 0,
  catches = { "smtp-pipelining-flushes", "smtp-data-without-rcpt", "smtp-segment-is-line" },
  run = function(t)
    local c = t:smtp()
    c:write(("MAIL FROM:<ann@client.example>\r\nRCPT TO:<nobody-one@%s>\r\nRCPT TO:<nobody-two@%s>\r\nDATA\r\n")
      :format(t.domain, t.domain))
    c:expect "250"
    for n = 1, 2 do
      local r = c:expect("25z", "4yz", "5yz")
      if r:is "25z" then t:skip "the server refuses nobody at RCPT" end
      t:check(r:is("4yz", "5yz"), "recipient %d that does not exist got %s", n, r)
    end
    local r = c:expect("354", "4yz", "5yz")
    if r:is "354" then
      c:write ".\r\n"
      r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is("4yz", "5yz"), "a message for nobody got %s", r)
    end
    c:send "NOOP"
    t:check(c:reply():is "250", "the replies to a group are one too many or one too few")
  end,
}
