// harness.hpp - interleaved rounds of several contenders; JSON lines on stdout.
//
// A Race holds entries (case, contender, function). Round 1 runs every entry once, then round 2 …,
// so that whatever the machine does besides hits ours and its peers alike. A function measures one
// round and returns named figures, each per event; the race prints their medians and every round,
// so that a reader can pair the rounds. A function that throws is reported once as skipped and
// leaves the race: one missing library or feature must not cost the other rows.
//
// Options: --quick (few events, 5 rounds), --rounds N, --only "WORDS" (entries whose
// "case contender" contains every one of the words), --list.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

// Figures of one round, by name: cpu_ns, wall_ns, p50_us, … What is not known is left out.
using Figures = std::map<std::string, double>;

inline double median(std::vector<double> values) {
	std::sort(values.begin(), values.end());
	const size_t half = values.size() / 2;
	return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// As many descriptors as the hard limit allows; returns how many that is.
inline size_t raise_fd_limit() {
	rlimit limit{};
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

// A contender that hangs must not hang whoever runs the benches: it is named, and the bench ends.
class Watchdog {
public:
	static void start(const std::string &what) {
		std::snprintf(message_, sizeof message_, "\nhung: %s\n", what.c_str());
		signal(SIGALRM, bark);
		alarm(120);
	}

	static void stop() { alarm(0); }

private:
	static void bark(int) {
		(void)!write(STDERR_FILENO, message_, std::strlen(message_));
		_exit(3);
	}

	static inline char message_[256];
};

class Race {
public:
	Race(std::string bench, int argc, char **argv) : bench_(std::move(bench)) {
		for (int i = 1; i < argc; i++) {
			const std::string option = argv[i];
			const bool has_value = i + 1 < argc;
			if (option == "--quick")
				quick_ = true;
			else if (option == "--list")
				list_ = true;
			else if (option == "--rounds" && has_value)
				rounds_ = std::max(1, std::atoi(argv[++i]));
			else if (option == "--only" && has_value)
				only_ = words(argv[++i]);
			else
				usage(argv[0]);
		}
		if (!rounds_)
			rounds_ = quick_ ? 5 : 9;
	}

	bool quick() const { return quick_; }

	// `where` is "name=value name=value"; `who` is one word.
	void add(const std::string &where, const std::string &who, std::function<Figures()> run) {
		const auto label = words(where + " " + who);
		for (const auto &word : only_)
			if (std::find(label.begin(), label.end(), word) == label.end())
				return;
		entries_.push_back({where, who, std::move(run), {}, {}});
	}

	int run() {
		for (int round = 0; round < rounds_ && !list_; round++)
			for (auto &entry : entries_)
				run_once(entry, round);
		for (const auto &entry : entries_)
			print(entry);
		return 0;
	}

private:
	struct Entry {
		std::string where, who;
		std::function<Figures()> run;
		std::map<std::string, std::vector<double>> rounds;
		std::string skipped;
	};

	static std::vector<std::string> words(const std::string &text) {
		std::istringstream in(text);
		std::vector<std::string> found;
		for (std::string word; in >> word;)
			found.push_back(word);
		return found;
	}

	[[noreturn]] static void usage(const char *program) {
		std::fprintf(stderr, "usage: %s [--quick] [--rounds N] [--only WORDS] [--list]\n", program);
		std::exit(2);
	}

	void run_once(Entry &entry, int round) {
		if (!entry.skipped.empty())
			return;
		if (isatty(STDERR_FILENO))
			std::fprintf(stderr, "\r\033[K%s %d/%d %s %s", bench_.c_str(), round + 1, rounds_,
			    entry.where.c_str(), entry.who.c_str());
		Watchdog::start(bench_ + " " + entry.where + " " + entry.who);
		try {
			for (const auto &[name, value] : entry.run())
				entry.rounds[name].push_back(value);
		} catch (const std::exception &error) {
			entry.skipped = error.what();
		}
		Watchdog::stop();
		if (isatty(STDERR_FILENO))
			std::fputs("\r\033[K", stderr);
	}

	void print(const Entry &entry) const {
		std::ostringstream out;
		out << R"({"bench":")" << bench_ << R"(","case":")" << entry.where << R"(","who":")"
		    << entry.who << '"';
		if (!entry.skipped.empty())
			out << R"(,"skipped":")" << plain(entry.skipped) << '"';
		for (const auto &[name, rounds] : entry.rounds) {
			out << ",\"" << name << R"(":{"median":)" << median(rounds) << R"(,"rounds":[)";
			for (size_t i = 0; i < rounds.size(); i++)
				out << (i ? "," : "") << rounds[i];
			out << "]}";
		}
		std::printf("%s}\n", out.str().c_str());
		std::fflush(stdout);
	}

	// What a JSON string can hold without escapes.
	static std::string plain(std::string text) {
		for (char &c : text)
			if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ')
				c = '\'';
		return text;
	}

	std::string bench_;
	bool quick_ = false;
	bool list_ = false;
	int rounds_ = 0;
	std::vector<std::string> only_;
	std::vector<Entry> entries_;
};

} // namespace bench
