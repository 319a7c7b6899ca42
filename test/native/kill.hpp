// A child that dies at its Nth store to a port's region: the library of this
// program is built with EVP_KILLPOINTS and asks here before each store.
#pragma once

#include "support.hpp"

#include <atomic>
#include <sys/types.h>

namespace test {

// What a child has done until its death, in memory shared with its parent. A
// call is announced, then made, then noted.
struct Diary {
	static constexpr int ROOM = 256;
	static constexpr int PLACES = 1024;
	uint32_t sent;               // messages whose send returned
	uint32_t sending;            // messages announced
	uint32_t taken;              // events a get returned
	uint32_t taking;             // most events of the get that is under way
	uint64_t got[ROOM];          // their cookies
	std::atomic<uint32_t> stores; // made so far, of those that count
	std::atomic<bool> stored[PLACES]; // by place, where the compiler lists them
	char file[32];               // where it died
	int line;
	bool inside;                 // it held the lock
	int fd;                      // of this memory
};

// The lock of the port in question: a thread's id while it is held.
extern const std::atomic<uint32_t>* lock_word;
bool inside(); // this thread holds it

// Set by a child for itself. Of one place in the source no more stores than so many count:
// where a loop makes them. And none but in this file ("core/watch.cpp"), unless null.
extern uint32_t most_of_a_place;
extern const char* only_in;

// Has it called before each store that this thread makes; `file` as in `only_in`. Null: no more.
void on_store(void (*what)(const char* file));

// Runs `scenario` in a forked child that kills itself before store number
// `store` (from 1; 0: never). True: it died there; false: it came to its end before.
// Returns when its descendants are gone as well, if this process is their reaper.
bool dies_at(uint32_t store, Diary& diary, void (*prepare)(Diary&), void (*scenario)(Diary&));

// A child of the one that is to die, which ends with it and does not die at stores.
pid_t helped_by(void (*what)());

// For a scenario: goes on in a new image of this program, whose main finds `--go-on` and gives
// its arguments to continued(); that answers the diary, and the role. An argument goes along.
[[noreturn]] void go_on_in_new_image(Diary& diary, const char* role, int argument);
Diary& continued(char** arguments, const char** role, int* argument);

Diary& shared_diary();
void forget_diary(Diary& diary);

// Has `body` run in so many processes at once, and waits for them; false: one failed.
bool in_lanes(uint32_t lanes, void (*body)(uint32_t lane));

// Every place in the source where a store is made must have been stored at by a child, or be
// excused in unreached.tsv, and not both; `died`: a child must have died there. True where the
// compiler doesn't list them.
bool check_places(bool died);
// Whether one has died at each of them that is not excused.
bool died_everywhere();

} // namespace test
