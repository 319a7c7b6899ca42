// What random sequences of calls share: their seed, and what was called last, said before a failure.
#pragma once

#include "support.hpp"

#include <deque>
#include <string>

namespace test::sequences {

inline uint64_t seed = 0;
inline int step = 0;
inline bool strict = false; // the profile (PORT_STRICT)
inline std::deque<std::string> history;

template <class... Values>
void note(const char* format, Values... values) {
	constexpr size_t MOST = 60;
	char line[200];
	snprintf(line, sizeof line, format, values...);
	history.push_back(std::to_string(step) + " " + line);
	if (history.size() > MOST) history.pop_front();
}

inline void note_events(const port_event_t* list, unsigned count) {
	for (unsigned i = 0; i < count; i++)
		note("  source %d object %lx events %x user %llu", list[i].portev_source, list[i].portev_object,
		     static_cast<unsigned>(list[i].portev_events), static_cast<unsigned long long>(number_of(list[i])));
}

inline void explain_sequence() {
	fprintf(stderr, "seed %llu, strict %d, step %d\n", static_cast<unsigned long long>(seed), strict, step);
	for (const std::string& line : history) fprintf(stderr, "  %s\n", line.c_str());
}

// In both profiles, from the seed in argv[1] on or else 1, as many as argv[2] says or else `seeds`.
template <class Sequence>
int run(int argc, char** argv, uint64_t seeds, const char* name) {
	static uint64_t first = 1, end;
	static const char* what;
	what = name;
	if (argc > 1) first = strtoull(argv[1], nullptr, 10);
	end = first + (argc > 2 ? strtoull(argv[2], nullptr, 10) : argc > 1 ? 1 : seeds);
	return watched([] {
		explain = explain_sequence;
		for (bool profile : {false, true}) {
			strict = profile;
			EQUAL(setenv("PORT_STRICT", strict ? "1" : "0", 1), 0);
			for (seed = first; seed != end; seed++) {
				history.clear();
				Sequence(seed).run();
			}
			done((std::string(what) + (strict ? ", strict" : "")).c_str());
		}
		printf("%d passed, 0 failed, 0 skipped\n", passed);
		return 0;
	});
}

} // namespace test::sequences
