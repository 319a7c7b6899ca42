#include "kill.hpp"

#include <csignal>
#include <fstream>
#include <linux/futex.h>
#include <map>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::atomic<test::Diary*> writing{nullptr}; // of the child that is to die
std::atomic<uint32_t> fatal{0};
thread_local void (*interposed)(const char* file) = nullptr;

using Place = std::pair<std::string, int>;
// Of all lanes, by place.
struct Reached {
	std::atomic<bool> stored[test::Diary::PLACES];
	std::atomic<bool> died[test::Diary::PLACES];
};
Reached* reached = nullptr;
std::atomic<bool> counting{false};
std::map<Place, uint32_t> met; // by the child, `counting`

// Folder and name.
const char* short_name(const char* file) {
	const char* name = file;
	int parts = 0;
	for (const char* at = file + strlen(file); at != file && parts < 2; at--)
		if (at[-1] == '/' && ++parts == 2) name = at;
	return name;
}

struct Point {
	const char* file;
	uint64_t line;
};

} // namespace

// What shm/cell.hpp lists, where the compiler can.
extern "C" Point __start_evp_points[] __attribute__((weak));
extern "C" Point __stop_evp_points[] __attribute__((weak));

namespace {

using Numbers = std::map<Place, uint32_t>;

// Of the library's places, numbered.
const Numbers& numbers() {
	static const Numbers known = [] {
		Numbers made;
		for (Point* point = __start_evp_points; point != __stop_evp_points; point++)
			made.insert({{short_name(point->file), static_cast<int>(point->line)}, 0});
		uint32_t next = 0;
		for (auto& [place, number] : made) number = next++;
		CHECK(next <= test::Diary::PLACES);
		return made;
	}();
	return known;
}

bool too_many(const Place& place) {
	if (test::most_of_a_place == UINT32_MAX) return false;
	while (counting.exchange(true)) {}
	bool many = ++met[place] > test::most_of_a_place;
	counting.store(false);
	return many;
}

} // namespace

extern "C" void evp_killpoint(const char* path, int line) {
	const char* file = short_name(path);
	if (interposed) interposed(file);
	test::Diary* diary = writing;
	if (!diary || (test::only_in && strcmp(test::only_in, file) != 0)) return;
	Place place{file, line};
	if (auto known = numbers().find(place); known != numbers().end()) diary->stored[known->second] = true;
	if (too_many(place)) return;
	uint32_t store = ++diary->stores;
	if (fatal == 0 || store < fatal) return;
	while (store > fatal) pause(); // another thread is at it
	snprintf(diary->file, sizeof diary->file, "%s", file);
	diary->line = line;
	diary->inside = test::inside();
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

namespace test {

const std::atomic<uint32_t>* lock_word = nullptr;
uint32_t most_of_a_place = UINT32_MAX;
const char* only_in = nullptr;
void on_store(void (*what)(const char* file)) { interposed = what; }

bool inside() { return lock_word && (lock_word->load() & FUTEX_TID_MASK) == syscall(SYS_gettid); }

Diary& shared_diary() {
	int fd = static_cast<int>(syscall(SYS_memfd_create, "diary", 0));
	CHECK(fd >= 0);
	EQUAL(ftruncate(fd, sizeof(Diary)), 0);
	void* memory = mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	auto& diary = *static_cast<Diary*>(memory);
	diary.fd = fd;
	return diary;
}

void forget_diary(Diary& diary) {
	close(diary.fd);
	EQUAL(munmap(&diary, sizeof diary), 0);
}

bool dies_at(uint32_t store, Diary& diary, void (*prepare)(Diary&), void (*scenario)(Diary&)) {
	int fd = diary.fd;
	memset(static_cast<void*>(&diary), 0, sizeof diary);
	diary.fd = fd;
	(void)numbers();
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		prepare(diary);
		fatal = store;
		met.clear();
		writing = &diary;
		scenario(diary);
		writing = nullptr;
		_exit(0);
	}
	int status = 0;
	EQUAL(waitpid(child, &status, 0), child);
	while (waitpid(-1, nullptr, 0) > 0) {}
	for (uint32_t i = 0; i < Diary::PLACES; i++)
		if (diary.stored[i]) reached->stored[i] = true;
	if (WIFSIGNALED(status)) {
		EQUAL(WTERMSIG(status), SIGKILL);
		CHECK(store != 0 && diary.stores >= store);
		if (auto known = numbers().find({diary.file, diary.line}); known != numbers().end())
			reached->died[known->second] = true;
		return true;
	}
	EQUAL(status, 0);
	return false;
}

pid_t helped_by(void (*what)()) {
	pid_t child = fork();
	CHECK(child >= 0);
	if (child != 0) return child;
	writing = nullptr;
	EQUAL(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	what();
	_exit(0);
}

void go_on_in_new_image(Diary& diary, const char* role, int argument) {
	std::string fd = std::to_string(diary.fd), store = std::to_string(fatal.load()), last = std::to_string(argument);
	execl("/proc/self/exe", "native_repair", "--go-on", role, fd.c_str(), store.c_str(), last.c_str(), nullptr);
	_exit(127);
}

Diary& continued(char** arguments, const char** role, int* argument) {
	*role = arguments[0];
	fatal = static_cast<uint32_t>(atoi(arguments[2]));
	*argument = atoi(arguments[3]);
	void* memory = mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(arguments[1]), 0);
	CHECK(memory != MAP_FAILED);
	writing = static_cast<Diary*>(memory);
	return *static_cast<Diary*>(memory);
}

namespace {

std::string trimmed(const std::string& line) {
	size_t first = line.find_first_not_of(" \t");
	size_t last = line.find_last_not_of(" \t\r");
	return first == std::string::npos ? "" : line.substr(first, last - first + 1);
}

std::string text_of(const Place& place) {
	std::ifstream source(NATIVE_SOURCES "/" + place.first);
	std::string line;
	for (int at = 0; at < place.second && std::getline(source, line);) at++;
	return trimmed(line);
}

// File and line's text of each row, with whether a place has it.
std::map<std::pair<std::string, std::string>, bool> excuses() {
	std::map<std::pair<std::string, std::string>, bool> rows;
	std::ifstream table(UNREACHED);
	CHECK(table.is_open());
	std::string row;
	while (std::getline(table, row)) {
		if (row.empty() || row[0] == '#') continue;
		size_t one = row.find('\t'), two = row.find('\t', one + 1);
		CHECK(two != std::string::npos && two + 1 < row.size());
		rows[{row.substr(0, one), row.substr(one + 1, two - one - 1)}] = false;
	}
	return rows;
}

} // namespace

bool in_lanes(uint32_t lanes, void (*body)(uint32_t lane)) {
	void* memory = mmap(nullptr, sizeof(Reached), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	reached = static_cast<Reached*>(memory);
	for (uint32_t lane = 0; lane < lanes; lane++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child != 0) continue;
		EQUAL(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
		EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
		body(lane);
		fflush(stdout);
		_exit(0);
	}
	bool well = true;
	for (int status; waitpid(-1, &status, 0) > 0;) well = well && status == 0;
	return well;
}

bool died_everywhere() {
	auto excused = excuses();
	for (const auto& [place, number] : numbers())
		if (!reached->died[number] && excused.find({place.first, text_of(place)}) == excused.end()) return false;
	return true;
}

bool check_places(bool died) {
	if (numbers().empty()) return true;
	auto excused = excuses();
	uint32_t bad = 0, at = 0, not_at = 0;
	auto complain = [&](const std::string& file, const std::string& text, const char* what) {
		printf("FAIL  %s: %s: %s\n", file.c_str(), text.c_str(), what);
		bad++;
	};
	for (const auto& [place, number] : numbers()) {
		std::string text = text_of(place), where = place.first + ":" + std::to_string(place.second);
		auto excuse = excused.find({place.first, text});
		bool has = excuse != excused.end();
		bool here = died ? reached->died[number] : reached->stored[number];
		if (has) excuse->second = true;
		at += here;
		not_at += has;
		// Where everything lasts ten times as long, and a tenth is tried, some places are a matter of luck.
		if (SANITIZED) continue;
		if (has && reached->stored[number]) complain(where, text, "excused in unreached.tsv, and reached");
		if (!has && !here) complain(where, text, "no child dies here, and no reason is given");
	}
	for (const auto& [row, seen] : excused)
		if (!seen) complain(row.first, row.second, "a row of unreached.tsv that is no place");
	printf("      %s at %u of the %zu places that store; of %u it is said why not\n", died ? "died" : "stored", at,
	       numbers().size(), not_at);
	return bad == 0;
}

} // namespace test
