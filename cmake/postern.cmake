# SPDX-License-Identifier: Apache-2.0
# Build rules that every directory shares.

option(POSTERN_WERROR "Treat warnings as errors (CI does)" OFF)
set(POSTERN_SANITIZE "" CACHE STRING "address+undefined, thread or empty")
option(POSTERN_FUZZ "Build libFuzzer drivers instead of the corpus replay (clang)" OFF)
option(POSTERN_HARDEN "Hardening flags of the release build" OFF)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
                    -Wcast-qual -Wundef -Wno-unused-parameter)
add_compile_definitions(_GNU_SOURCE POSTERN_VERSION="${PROJECT_VERSION}")
if(POSTERN_WERROR)
  add_compile_options(-Werror)
endif()
if(POSTERN_HARDEN)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection -U_FORTIFY_SOURCE
                      -D_FORTIFY_SOURCE=3 -fPIE)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(POSTERN_SANITIZE STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(POSTERN_SANITIZED=1)
elseif(POSTERN_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
  add_compile_definitions(POSTERN_SANITIZED=1)
endif()

# postern_library(NAME SOURCES a.c b.c [DEPS lib...] [STRICT])
# A static library whose headers are included as "<dir>/<header>.h" below common/ or server/.
# STRICT adds -Wconversion (common/ and server/domain).
function(postern_library name)
  cmake_parse_arguments(A "STRICT" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/common)
  target_link_libraries(${name} PUBLIC ${A_DEPS})
  if(A_STRICT)
    target_compile_options(${name} PRIVATE -Wconversion)
  endif()
endfunction()

# postern_pkg(TARGET PRIVATE|PUBLIC pkg-config-module...): link system libraries.
function(postern_pkg target scope)
  foreach(module ${ARGN})
    string(MAKE_C_IDENTIFIER "PC_${module}" var)
    if(NOT TARGET PkgConfig::${var})
      pkg_check_modules(${var} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    endif()
    target_link_libraries(${target} ${scope} PkgConfig::${var})
  endforeach()
endfunction()

# postern_unit(NAME SOURCES test_x.c [DEPS lib...]): a cmocka program, run by ctest as unit.NAME.
function(postern_unit name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(unit_${name} ${A_SOURCES})
  target_include_directories(unit_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
  target_link_libraries(unit_${name} PRIVATE ${A_DEPS})
  postern_pkg(unit_${name} PRIVATE cmocka)
  set_target_properties(unit_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME unit.${name} COMMAND unit_${name})
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

# postern_fuzz(NAME SOURCES fuzz_x.c [DEPS lib...]): LLVMFuzzerTestOneInput over tests/fuzz/corpus/NAME.
# Ordinary builds link the replay driver, so every corpus file runs in ctest as fuzz.NAME.
function(postern_fuzz name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  set(driver ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
  if(POSTERN_FUZZ)
    set(driver "")
  endif()
  add_executable(fuzz_${name} ${A_SOURCES} ${driver})
  target_link_libraries(fuzz_${name} PRIVATE ${A_DEPS})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(POSTERN_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  endif()
endfunction()
