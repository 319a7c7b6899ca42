/* runner.h - what the runner needs of its parts; cases don't include it. */
#ifndef CONFORMANCE_RUNNER_H
#define CONFORMANCE_RUNNER_H

/* gates.tsv: case, platform, profile, reason. Returns 0, or -1 after a message. */
int gates_load(const char *path);
/* Why this case does not run here; NULL: it runs. */
const char *gates_reason(const char *name);

void conf_close_tracked(void);
void conf_list_fds(void);

#endif
