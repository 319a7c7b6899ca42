/*
 * A program that knows nothing of event ports and loads a plugin which does: libport.so
 * stands behind libc then, unless LD_PRELOAD names it.
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int (*plugin)(void) = NULL;
	void *loaded = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	if (loaded != NULL)
		*(void **)&plugin = dlsym(loaded, "main");
	if (plugin == NULL) {
		(void)fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	return plugin();
}
