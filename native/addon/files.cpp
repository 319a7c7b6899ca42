#include "addon/files.hpp"

#include "addon/arguments.hpp"
#include "addon/cookies.hpp"
#include "addon/environment.hpp"
#include "core/port.hpp"
#include "core/slots.hpp"
#include "sources/file.hpp"
#include "sys/file_status.hpp"

#include <atomic>
#include <cerrno>
#include <iterator>

namespace evp::addon {

namespace {

// Keys of file objects: odd, unlike any address of a file_obj_t, and dense otherwise
// (slots::table_hash).
constexpr int KEY_SHIFT = 4;
std::atomic<uint64_t> next_key{0};

file::Stamp stamp_of(const double* columns) {
	return {static_cast<int64_t>(columns[0]), static_cast<int64_t>(columns[1])};
}

void put(double*& out, int64_t time_ns) {
	constexpr int64_t SECOND = 1'000'000'000;
	int64_t rest = (time_ns % SECOND + SECOND) % SECOND;
	*out++ = static_cast<double>((time_ns - rest) / SECOND);
	*out++ = static_cast<double>(rest);
}

// count; the first key
napi_value file_keys(napi_env env, napi_callback_info info) {
	Numbers<1> given(env, info);
	uint64_t first = next_key.fetch_add(static_cast<uint64_t>(given.int32(0)));
	return answer(env, static_cast<int64_t>(first << KEY_SHIFT | 1));
}

// The slot of the key's association; 0: there is none, or an exception has taken it.
uint32_t slot_of(Port& port, uint64_t key) {
	Port::Guard guard(port);
	return slots::table_find(port.region(), static_cast<uint8_t>(SourceKind::FILE), key, port.member());
}

// Whether the key's association is disarmed, its event retrieved: no exception comes of it any more (5.4.10).
bool is_spent(Port& port, uint64_t key) {
	Port::Guard guard(port);
	shm::Region& region = port.region();
	uint32_t slot = slots::table_find(region, static_cast<uint8_t>(SourceKind::FILE), key, port.member());
	return slot != 0 && region.slot(slot).state.load() == shm::SlotState::CACHED;
}

// handle, key, path, events, user, standing, known; the stamps in `object`, in pairs. 1: it is `known` to
// have been associated before, and was not replaced where it stood: an exception has ended it (5.4.9).
napi_value file_associate(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<7> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	if (!binding || binding->closed()) return answer(env, -EBADF);
	Text path(env, given[2]);
	const double* columns = environment->columns.object;
	file::Stamps stamps{stamp_of(columns), stamp_of(columns + 2), stamp_of(columns + 4)};
	auto key = static_cast<uint64_t>(given.number(1));
	bool known = given.boolean(6);
	uint32_t former = known ? slot_of(*binding->port, key) : 0;
	Result<void> done = associate_file(*binding->port, key, path.get(), stamps, given.int32(3),
	                                   cookie_bits(given.number(4), binding->id), given.boolean(5));
	if (!done) return answer(env, -done.error());
	// An exception that waits keeps its slot from being the new one's.
	return answer(env, known && (former == 0 || former != slot_of(*binding->port, key)));
}

// handle, key. 1: its event was retrieved already, and it is forgotten all the same (2.3.2).
napi_value file_dissociate(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<2> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	if (!binding || binding->closed()) return answer(env, -EBADF);
	auto key = static_cast<uint64_t>(given.number(1));
	bool spent = is_spent(*binding->port, key);
	int error = binding->port->dissociate(SourceKind::FILE, key).error();
	return answer(env, error == ENOENT && spent ? 1 : -error);
}

// path, follow; the stamps into `object`, in pairs.
napi_value file_stamps(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<2> given(env, info, reinterpret_cast<void**>(&environment));
	sys::FileStatus status;
	int error = sys::file_status(Text(env, given[0]).get(), given.boolean(1), &status);
	if (error != 0) return answer(env, -error);
	double* out = environment->columns.object;
	for (int64_t time_ns : {status.atime, status.mtime, status.ctime}) put(out, time_ns);
	return answer(env, 0);
}

} // namespace

napi_status register_files(napi_env env, napi_value exports, Environment& environment) {
	auto method = [&](const char* name, napi_callback call) {
		return napi_property_descriptor{name,    nullptr, call,         nullptr,
		                                nullptr, nullptr, napi_default, &environment};
	};
	const napi_property_descriptor all[] = {
	    method("fileKeys", file_keys),
	    method("fileAssociate", file_associate),
	    method("fileDissociate", file_dissociate),
	    method("fileStamps", file_stamps),
	};
	return napi_define_properties(env, exports, std::size(all), all);
}

} // namespace evp::addon
