# The tests build the library several times, each with another instrument: a few files at once take
# a third of the time. The addon, the benches and what is installed compile each file by itself.

# Their own names are those of files beside them.
set(apart sources/file.cpp)

function(compile_together target)
	set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
	list(TRANSFORM apart PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE files)
	set_source_files_properties(${files} TARGET_DIRECTORY ${target}
		PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
