/* Of the file that holds libuv's inotify and cannot stand beside sunos.c. */
void uv__set_process_title(const char *title) { (void)title; }
