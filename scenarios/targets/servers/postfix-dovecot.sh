#!/bin/bash
# Starts Postfix that delivers to Dovecot over LMTP, both in one jail; see jail.sh. SPDX-License-Identifier: MIT
NAME=postfix-dovecot
SERVICES="imap=143 imaps=993 pop3=110 pop3s=995 lmtp=24 smtp=25 submission=587 submissions=465"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
. "$HERE/postfix-part.sh"
. "$HERE/dovecot-part.sh"
PACKAGES="$POSTFIX_PACKAGES $DOVECOT_PACKAGES"
configure() {
  DELIVERY=lmtp:inet:$ADDRESS:$(port lmtp)
  postfix_configure
  dovecot_configure
}
boot() {
  dovecot_boot &
  postfix_boot
}
jail_main "$@"
