#!/bin/bash
# Starts Postfix in a jail (see jail.sh) as a host in the middle: it has no mailboxes, takes mail of users who logged in, and
# hands it to the server at $RELAY_SMTP, $RELAY_SUBMISSION (after login as ann) or, for bob@test.example, $RELAY_LMTP; all are
# ports of the loopback whose certificates $RELAY_CA signed. For `make clients`. SPDX-License-Identifier: MIT
NAME=postfix-relay
UNPACKED=postfix
SERVICES="smtp=25 submission=587 submissions=465"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
. "$HERE/postfix-part.sh"
PACKAGES=$POSTFIX_PACKAGES
DELIVERY=error
configure() {
  postfix_configure
  cp "$RELAY_CA" "$MAILPROOF_STATE/relay-ca.pem"
  sed -i '/^virtual_[a-z]*_\(domains\|maps\) =/d; /^default_transport =/d' "$UP/etc/postfix/main.cf"
  cat >> "$UP/etc/postfix/main.cf" << X
virtual_mailbox_domains =
virtual_alias_maps =
default_transport = smtp:[localhost]:$RELAY_SMTP
transport_maps = inline:{ { bob@$DOMAIN = lmtp:[localhost]:$RELAY_LMTP }, { ann@other.example = smtp:[localhost]:$RELAY_SUBMISSION } }
smtp_host_lookup = native
lmtp_host_lookup = native
smtp_tls_security_level = secure
lmtp_tls_security_level = secure
smtp_tls_secure_cert_match = hostname
lmtp_tls_secure_cert_match = hostname
smtp_tls_CAfile = $MAILPROOF_STATE/relay-ca.pem
lmtp_tls_CAfile = $MAILPROOF_STATE/relay-ca.pem
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{ { [localhost]:$RELAY_SUBMISSION = ann:secret } }
smtp_sasl_security_options = noanonymous
smtp_generic_maps = inline:{ { ann@other.example = ann@$DOMAIN } }
X
}
boot() { postfix_boot; }
jail_main "$@"
