# port_build_flags: how everything of ours is compiled; never part of what is installed.
add_library(port_build_flags INTERFACE)
target_include_directories(port_build_flags INTERFACE
	"${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/include")
target_compile_definitions(port_build_flags INTERFACE _GNU_SOURCE)
target_compile_options(port_build_flags INTERFACE
	-Wall -Wextra
	$<$<BOOL:${EVENT_PORTS_WERROR}>:-Werror>
	-fvisibility=hidden
	$<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)
target_link_libraries(port_build_flags INTERFACE Threads::Threads)

if(EVENT_PORTS_SANITIZE)
	# For the whole tree: a program that isn't instrumented can't load a library that is.
	add_compile_options(-fsanitize=${EVENT_PORTS_SANITIZE} -fno-omit-frame-pointer)
	add_link_options(-fsanitize=${EVENT_PORTS_SANITIZE})
	if(EVENT_PORTS_SANITIZE MATCHES thread)
		add_compile_definitions(EVP_TSAN) # what TSan can't see is done another way (native/sys)
	endif()
	if(EVENT_PORTS_SANITIZE MATCHES undefined)
		add_compile_options(-fno-sanitize-recover=undefined)
	endif()
endif()
