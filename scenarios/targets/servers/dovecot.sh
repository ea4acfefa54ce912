#!/bin/bash
# Starts Dovecot in a jail; see jail.sh. SPDX-License-Identifier: MIT
NAME=dovecot
SERVICES="imap=143 imaps=993 pop3=110 pop3s=995 lmtp=24"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
. "$HERE/dovecot-part.sh"
PACKAGES=$DOVECOT_PACKAGES
configure() { dovecot_configure; }
boot() { dovecot_boot; }
jail_main "$@"
