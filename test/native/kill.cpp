#include "kill.hpp"

#include <csignal>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

test::Diary* writing = nullptr; // of the child that is to die
uint32_t fatal = 0;

} // namespace

extern "C" void evp_killpoint(const char* file, int line) {
	if (!writing || ++writing->stores != fatal) return;
	const char* name = strrchr(file, '/');
	snprintf(writing->file, sizeof writing->file, "%s", name ? name + 1 : file);
	writing->line = line;
	writing->inside = (test::lock_word->load() & FUTEX_TID_MASK) == syscall(SYS_gettid);
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

namespace test {

const std::atomic<uint32_t>* lock_word = nullptr;

Diary& shared_diary() {
	void* memory = mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return *static_cast<Diary*>(memory);
}

bool dies_at(uint32_t store, Diary& diary, void (*prepare)(Diary&), void (*scenario)(Diary&)) {
	memset(static_cast<void*>(&diary), 0, sizeof diary);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		prepare(diary);
		fatal = store;
		writing = &diary;
		scenario(diary);
		writing = nullptr;
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		EQUAL(WTERMSIG(status), SIGKILL);
		EQUAL(diary.stores, store);
		return true;
	}
	EQUAL(status, 0);
	return false;
}

} // namespace test
