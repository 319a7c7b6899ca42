// In the binaries of a release (EVP_NO_EXCEPTIONS, scripts/prebuilds.mjs): what the C++ library calls to
// throw, unwind and name exceptions, and its allocator. The addon has no exceptions, so whoever would
// throw ends the process, as an uncaught one does. Without this file each binary would carry a
// third of a megabyte of unwinder and demangler that can never be of use.

#if defined(EVP_NO_EXCEPTIONS)

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <new>

namespace {

void* allocate(size_t size) {
	if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
	std::abort();
}

void* allocate(size_t size, std::align_val_t alignment) noexcept {
	void* memory = nullptr;
	return posix_memalign(&memory, static_cast<size_t>(alignment), size) == 0 ? memory : nullptr;
}

} // namespace

void* operator new(size_t size) { return allocate(size); }
void* operator new[](size_t size) { return allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return std::malloc(size != 0 ? size : 1); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return std::malloc(size != 0 ? size : 1); }
void* operator new(size_t size, std::align_val_t alignment) {
	if (void* memory = allocate(size, alignment)) return memory;
	std::abort();
}
void* operator new[](size_t size, std::align_val_t alignment) { return operator new(size, alignment); }
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
	return allocate(size, alignment);
}
void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
	return allocate(size, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }

const std::nothrow_t std::nothrow{};
void std::terminate() noexcept { std::abort(); }

// The Itanium C++ ABI's entries, https://itanium-cxx-abi.github.io/cxx-abi/abi-eh.html
extern "C" {
void* __cxa_allocate_exception(size_t) { std::abort(); }
void __cxa_free_exception(void*) { std::abort(); }
void __cxa_throw(void*, void*, void (*)(void*)) { std::abort(); }
void __cxa_rethrow() { std::abort(); }
void* __cxa_begin_catch(void*) { std::abort(); }
void __cxa_end_catch() { std::abort(); }
void* __cxa_current_primary_exception() { return nullptr; }
void __cxa_increment_exception_refcount(void*) {}
void __cxa_decrement_exception_refcount(void*) {}
void __cxa_rethrow_primary_exception(void*) { std::abort(); }
bool __cxa_uncaught_exception() { return false; }
unsigned int __cxa_uncaught_exceptions() { return 0; }
char* __cxa_demangle(const char*, char*, size_t*, int* status) {
	if (status) *status = -2; // no valid name
	return nullptr;
}
void _Unwind_Resume(void*) { std::abort(); }
int __gxx_personality_v0() { std::abort(); }
}

#endif
