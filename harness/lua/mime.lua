-- Encodings for scenarios: the global `mime`.
-- SPDX-License-Identifier: MIT
local wire = require "wire"

return { base64 = wire.base64, unbase64 = wire.unbase64, digest = wire.digest, hmac = wire.hmac,
  pbkdf2 = wire.pbkdf2 }
