/*
 * without uring|uring-enter|uring-asked|uring-register|preadv2|statx|epoll-wait PROGRAM ARGUMENTS...: runs it under a seccomp
 * filter that refuses those calls as the profile of a container does: io_uring by default, a part of it where
 * somebody forgot the rest, statx, or preadv2 and pwritev2, where it is older than they are, epoll_wait where it
 * lists what Node calls.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse(unsigned int first, unsigned int last)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* As a kernel that is short of memory: one request that is waited for. */
static int refuse_asking(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(int argc, char **argv)
{
	int refused = 0;
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "uring") == 0)
		refused = refuse(SYS_io_uring_setup, SYS_io_uring_register);
	if (strcmp(argv[1], "uring-enter") == 0)
		refused = refuse(SYS_io_uring_enter, SYS_io_uring_enter);
	if (strcmp(argv[1], "uring-asked") == 0)
		refused = refuse_asking();
	if (strcmp(argv[1], "uring-register") == 0)
		refused = refuse(SYS_io_uring_register, SYS_io_uring_register);
	if (strcmp(argv[1], "statx") == 0)
		refused = refuse(SYS_statx, SYS_statx);
	if (strcmp(argv[1], "preadv2") == 0)
		refused = refuse(SYS_preadv2, SYS_pwritev2);
#ifdef SYS_epoll_wait
	if (strcmp(argv[1], "epoll-wait") == 0)
		refused = refuse(SYS_epoll_wait, SYS_epoll_wait);
#endif
	if (!refused) {
		perror(argv[1]);
		return 2;
	}
	(void)execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
