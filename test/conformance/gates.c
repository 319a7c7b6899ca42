/*
 * Gates as data: which case must not run where, and why. A row applies when
 * its platform and its profile do ("any" always; "linux" also for the static
 * build, "linux-static" for that alone; "tsan" and "asan" where that sanitizer
 * looks on).
 */
#include "harness.h"
#include "runner.h"

#if defined(CONF_STATIC)
#define PLATFORM "linux-static"
#elif defined(__linux__)
#define PLATFORM "linux"
#else
#define PLATFORM "illumos"
#endif

struct gate {
	char name[96];
	char reason[256];
};

enum { MAX_GATES = 256 };
static struct gate gates[MAX_GATES];
static int gate_count;

static int platform_matches(const char *platform)
{
	if (strcmp(platform, "any") == 0 || strcmp(platform, PLATFORM) == 0)
		return 1;
#if defined(__SANITIZE_THREAD__)
	if (strcmp(platform, "tsan") == 0)
		return 1;
#elif defined(__SANITIZE_ADDRESS__)
	if (strcmp(platform, "asan") == 0)
		return 1;
#endif
	return strcmp(platform, "linux") == 0 && strncmp(PLATFORM, "linux", 5) == 0;
}

static int profile_matches(const char *profile)
{
	return strcmp(profile, "any") == 0 ||
	    strcmp(profile, strict_profile() ? "strict" : "default") == 0;
}

int gates_load(const char *path)
{
	char line[512];
	int number = 0;
	FILE *in = fopen(path, "r");
	if (in == NULL) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), in) != NULL) {
		char name[96], platform[16], profile[16], reason[256];
		number++;
		if (line[0] == '#' || line[0] == '\n' || number == 1)
			continue;
		if (sscanf(line, "%95[^\t]\t%15[^\t]\t%15[^\t]\t%255[^\n]", name,
			platform, profile, reason) != 4 || gate_count == MAX_GATES) {
			fprintf(stderr, "%s:%d: not a gate\n", path, number);
			(void)fclose(in);
			return -1;
		}
		if (!platform_matches(platform) || !profile_matches(profile))
			continue;
		(void)snprintf(gates[gate_count].name, sizeof(name), "%s", name);
		(void)snprintf(gates[gate_count].reason, sizeof(reason), "%s", reason);
		gate_count++;
	}
	(void)fclose(in);
	return 0;
}

const char *gates_reason(const char *name)
{
	int i;
	for (i = 0; i < gate_count; i++) {
		if (strcmp(gates[i].name, name) == 0)
			return gates[i].reason;
	}
	return NULL;
}
