// What a process of the shared random sequences does when it is told to: one call, and how it was answered.
#pragma once

#include "support.hpp"

namespace test::sequences {

constexpr unsigned MOST = 8;  // events in an answer
constexpr int LIBRARY = 300; // the source of a library
constexpr int CHANNEL = 200; // the numbers of the ends of each process's channel
constexpr int channel_of(int process, bool its_own) { return CHANNEL + 2 * process + its_own; }

enum class Do { SEND, ASSOCIATE, DISSOCIATE, GETN, ALERT, STATE, WRITE, READ, CLOSE, REPLACE, FORK, LEAVE, EXIT,
	        TIMER, SET, DELETE, INFO,
	        DISPATCH, RESERVE, POST, RELEASE };

struct Call {
	Do what{};
	int number = 0;
	int events = 0;
	uint64_t user = 0;
	unsigned max = 0, want = 0;
	long wait_ns = 0;
};
struct Answer {
	int error;
	unsigned count;
	port_event_t list[MOST];
	port_info_t info;
	uint64_t timer;
};

extern int port;         // that all share
extern pid_t library_of; // the process that has a library's source, if one has

Answer carry_out(const Call& call);

} // namespace test::sequences
