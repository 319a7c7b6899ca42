// What the processes of the storm write down in memory that outlives them all: which
// message was sent, which was taken, and what each thread had in hand when it died.
#pragma once

#include "support.hpp"

#include <atomic>
#include <sys/types.h>

namespace storm {

enum class Phase : uint32_t { STORM, LULL, END };

// A message is announced, then sent, then noted as sent or refused.
inline constexpr uint8_t ANNOUNCED = 1, SENT = 2, REFUSED = 4;
inline constexpr int MESSAGE = 1, POKE = 2; // events values; POKE: make a descriptor ready
inline constexpr uint32_t MOST_MESSAGES = 1u << 26;
inline constexpr uint32_t MOST_RECORDS = 1u << 17; // threads, the dead included
inline constexpr uint32_t MOST_LIVES = 1u << 16;   // processes, the dead included

// Of a thread.
struct Record {
	std::atomic<int32_t> pid;
	std::atomic<uint32_t> life;
	std::atomic<uint32_t> taking; // events that may be in its hand
	std::atomic<uint32_t> ended;  // returned from its work
	std::atomic<int64_t> since;   // begin of the call it is in, ns; 0: in none
	std::atomic<int64_t> until;   // when that call must have returned, INT64_MAX: when it likes
	const char* call;             // its name (all processes are forks of one)
};

// Of a process.
struct Life {
	std::atomic<int32_t> pid;
	std::atomic<uint32_t> poked;     // its descriptors that became ready
	std::atomic<uint32_t> delivered; // events of them
};

struct Board {
	std::atomic<Phase> phase;
	std::atomic<uint32_t> messages, records, lives;
	std::atomic<uint64_t> refused, alerts, descriptors, forks;
	std::atomic<int32_t> forked[64]; // the latest children of workers, to be killed as well
	Record record[MOST_RECORDS];
	Life life[MOST_LIVES];
	std::atomic<uint8_t> sent[MOST_MESSAGES];
	std::atomic<uint8_t> taken[MOST_MESSAGES];
};

extern Board* board;
extern int port;

void make_board();

int64_t now_ns();

// What a thread of a worker does until the end. `main`: it is its process's first.
[[noreturn]] void work(uint32_t place, uint64_t seed);

} // namespace storm
