-- What RFC 9266 (Channel Bindings for TLS 1.3) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 9266,
  title = "Channel Bindings for TLS 1.3",
  requirements = {
    { id = "rfc9266-2-x1", section = "2", level = "stated", test = "wire",
      says = [[The tls-exporter value has 32 octets, exported with the label EXPORTER-Channel-Binding and an empty
        context from this TLS connection.]] },
    { id = "rfc9266-2-x2", section = "2", level = "stated", test = "wire",
      says = [[The value of one connection is refused on another.]] },
    { id = "rfc9266-3-x1", section = "3", level = "stated", test = "wire",
      says = [[Under TLS 1.3 a server with -PLUS forms takes tls-exporter, the default kind there.]] },
    { id = "rfc9266-4.2-x1", section = "4.2", level = "stated", test = "wire",
      says = [[Under TLS 1.2 tls-exporter may be used only where the extended master secret was negotiated.]] },
  },
}
