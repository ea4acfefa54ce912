#!/bin/bash
# Starts Postfix in a jail; see jail.sh. SPDX-License-Identifier: MIT
NAME=postfix
SERVICES="smtp=25 submission=587 submissions=465"
. "$(dirname "$(readlink -f "$0")")/jail.sh"
. "$HERE/postfix-part.sh"
PACKAGES=$POSTFIX_PACKAGES
DELIVERY=virtual
configure() { postfix_configure; }
boot() { postfix_boot; }
jail_main "$@"
