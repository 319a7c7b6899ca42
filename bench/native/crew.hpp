// crew.hpp - workers that start together, as threads or as forked processes, and the CPU time of
// all of them between their common start and their ends.
//
// Jobs hired for processes may touch only what was shared before run(). A job that throws ends the
// measurement: in a process its message reaches the caller as an exception and the others are
// killed; in a thread nobody can stop the others, so the bench ends with the message.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "clocks.hpp"
#include "shared.hpp"

namespace bench {

enum class Kind { threads, processes };

// The CPUs this process may use.
inline std::vector<int> usable_cpus() {
	cpu_set_t set;
	std::vector<int> cpus;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &set))
				cpus.push_back(cpu);
	return cpus;
}

constexpr int any_cpu = -1;

inline void pin_to(int cpu) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof set, &set);
}

struct CrewCost {
	double cpu_ns;
	double wall_ns;
};

class Crew {
public:
	explicit Crew(Kind kind) : kind_(kind) {}

	void hire(int cpu, std::function<void()> job) { jobs_.push_back({cpu, std::move(job)}); }

	CrewCost run() {
		Shared<Board> board(static_cast<unsigned>(jobs_.size()));
		kind_ == Kind::threads ? run_threads(*board) : run_processes(*board);
		return {static_cast<double>(board->cpu_ns),
		    static_cast<double>(board->last_end - board->first_start)};
	}

private:
	struct Job {
		int cpu;
		std::function<void()> work;
	};

	struct Board {
		explicit Board(unsigned workers) {
			pthread_barrierattr_t attributes;
			pthread_barrierattr_init(&attributes);
			pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
			pthread_barrier_init(&start, &attributes, workers);
			pthread_barrierattr_destroy(&attributes);
		}

		pthread_barrier_t start;
		std::atomic<uint64_t> cpu_ns{0};
		std::atomic<uint64_t> first_start{UINT64_MAX};
		std::atomic<uint64_t> last_end{0};
		std::atomic<bool> failed{false};
		char error[160]{};
	};

	static void work(const Job &job, Board &board) {
		if (job.cpu != any_cpu)
			pin_to(job.cpu);
		pthread_barrier_wait(&board.start);
		const uint64_t wall = wall_ns();
		const uint64_t cpu = thread_cpu_ns();
		job.work();
		board.cpu_ns += thread_cpu_ns() - cpu;
		uint64_t first = board.first_start;
		while (wall < first && !board.first_start.compare_exchange_weak(first, wall)) {
		}
		const uint64_t end = wall_ns();
		uint64_t last = board.last_end;
		while (end > last && !board.last_end.compare_exchange_weak(last, end)) {
		}
	}

	void run_threads(Board &board) {
		std::vector<std::jthread> threads;
		for (const Job &job : jobs_)
			threads.emplace_back([&] { work(job, board); });
	}

	void run_processes(Board &board) {
		std::vector<pid_t> children;
		for (const Job &job : jobs_) {
			const pid_t child = fork();
			if (child == 0)
				child_main(job, board);
			children.push_back(child);
		}
		while (!children.empty()) {
			int status = 0;
			std::erase(children, wait(&status));
			if (status == 0)
				continue;
			if (!board.failed.exchange(true))
				std::strcpy(board.error, "a worker was killed");
			for (const pid_t other : children)
				kill(other, SIGKILL);
		}
		if (board.failed)
			throw std::runtime_error(board.error);
	}

	[[noreturn]] static void child_main(const Job &job, Board &board) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		try {
			work(job, board);
		} catch (const std::exception &error) {
			if (!board.failed.exchange(true))
				std::strncpy(board.error, error.what(), sizeof board.error - 1);
			_exit(1);
		}
		_exit(0);
	}

	Kind kind_;
	std::vector<Job> jobs_;
};

} // namespace bench
