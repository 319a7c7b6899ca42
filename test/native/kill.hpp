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
	static constexpr int ROOM = 64;
	uint32_t sent;          // messages whose send returned
	uint32_t sending;       // messages announced
	uint32_t taken;         // events a get returned
	uint32_t taking;        // most events of the get that is under way
	uint64_t got[ROOM];     // their cookies
	uint32_t stores;        // stores made so far
	char file[32];          // where it died
	int line;
	bool inside;            // it held the lock
};

// The lock of the port in question: a thread's id while it is held.
extern const std::atomic<uint32_t>* lock_word;

// Of one place in the source no more stores than so many count: where a loop makes them.
extern uint32_t most_of_a_place;

// Prints at how many of the places in the source where a store is made a child has died so
// far, and the rest of them. Nothing where the compiler doesn't list them.
void say_places();

// Runs `scenario` in a forked child that kills itself before store number
// `store` (from 1). True: it died there; false: it came to its end before.
bool dies_at(uint32_t store, Diary& diary, void (*prepare)(Diary&), void (*scenario)(Diary&));

Diary& shared_diary();

} // namespace test
