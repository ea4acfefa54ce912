/* A configuration that was read: as a file again, and given back.
 * SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config/limit.h"
#include "config/service.h"

static void line(FILE *out, const char *name, const char *value)
{
    if (value != NULL)
        fprintf(out, "%s %s\n", name, value);
}

void config_show(const struct config *c, FILE *out)
{
    for (size_t i = 0; i < c->listen_count; i++) {
        const struct config_listen *l = &c->listens[i];
        bool v6 = strchr(l->address, ':') != NULL;
        fprintf(out, "listen %s=%s%s%s:%u\n", service_info[l->service].name, v6 ? "[" : "",
                l->address, v6 ? "]" : "", l->port);
    }
    line(out, "store", c->store);
    line(out, "state", c->state);
    for (size_t i = 0; i < c->domain_count; i++)
        line(out, "domain", c->domains[i]);
    line(out, "hostname", c->hostname);
    for (size_t i = 0; i < c->user_count; i++)
        fprintf(out, "user %s:%s\n", c->users[i].name, c->users[i].password);
    line(out, "tls-cert", c->cert);
    line(out, "tls-key", c->key);
    line(out, "control", c->control);
    line(out, "trace", c->trace);
    line(out, "log", c->log);
    line(out, "dns-zone", c->dns_zone);
    line(out, "dns-anchor", c->dns_anchor);
    line(out, "resolver", c->resolver);
    line(out, "smarthost", c->smarthost);
    line(out, "relay-ca", c->relay_ca);
    line(out, "mta-sts", c->mta_sts);
    for (size_t i = 0; i < c->relay_from_count; i++)
        line(out, "relay-from", c->relay_from[i]);
    line(out, "mt-priority-policy", c->priority_policy);
    if (c->relay_port != 0)
        fprintf(out, "relay-port %u\n", c->relay_port);
    policy_show(&c->policy, out);
    line(out, "run-as", c->run_as);
    line(out, "sandbox",
         c->sandbox == SANDBOX_ON    ? "on"
         : c->sandbox == SANDBOX_OFF ? "off"
                                     : "require");
    line(out, "plaintext-login", c->plaintext_login ? "yes" : "no");
    for (size_t i = 0; i < c->fault_count; i++)
        line(out, "fault", c->faults[i]);
    for (size_t i = 0; i < c->rule_count; i++)
        line(out, "rule", c->rules[i]);
    for (size_t i = 0; i < c->script_count; i++)
        line(out, "script", c->scripts[i]);
    limit_show(&c->limits, out);
}

void config_free(struct config *c)
{
    for (size_t i = 0; i < c->listen_count; i++)
        free(c->listens[i].address);
    for (size_t i = 0; i < c->user_count; i++) {
        free(c->users[i].name);
        free(c->users[i].password);
    }
    for (size_t i = 0; i < c->domain_count; i++)
        free(c->domains[i]);
    for (size_t i = 0; i < c->fault_count; i++)
        free(c->faults[i]);
    for (size_t i = 0; i < c->rule_count; i++)
        free(c->rules[i]);
    for (size_t i = 0; i < c->script_count; i++)
        free(c->scripts[i]);
    free(c->rules);
    free(c->scripts);
    for (size_t i = 0; i < c->file_count; i++)
        free(c->files[i]);
    free(c->files);
    free(c->listens);
    free(c->users);
    free(c->domains);
    free(c->faults);
    free(c->store);
    free(c->state);
    free(c->hostname);
    free(c->cert);
    free(c->key);
    free(c->control);
    free(c->trace);
    free(c->run_as);
    free(c->log);
    for (size_t i = 0; i < c->relay_from_count; i++)
        free(c->relay_from[i]);
    free(c->relay_from);
    free(c->dns_zone);
    free(c->dns_anchor);
    free(c->resolver);
    free(c->smarthost);
    free(c->relay_ca);
    free(c->mta_sts);
    policy_free(&c->policy);
    free(c->priority_policy);
}
