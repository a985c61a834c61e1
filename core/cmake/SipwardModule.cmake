# sipward_add_module(<name> SOURCES a.cpp b.cpp [LIBRARIES x y])
# Makes two targets from the same sources:
#   <name>_objs  what unit tests link: no dlopen, internals reachable
#   <name>       the shared object that the server loads
# Used in the tree and, installed, by modules of other people.
# The shared object is built and installed to SIPWARD_MODULES_DIR below the build folder or the prefix.
include(GNUInstallDirs)
if(NOT SIPWARD_MODULES_DIR)
  set(SIPWARD_MODULES_DIR ${CMAKE_INSTALL_LIBDIR}/sipward/modules)
endif()

function(sipward_add_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name}_objs OBJECT ${ARG_SOURCES})
  target_link_libraries(${name}_objs PUBLIC sipward::sdk ${ARG_LIBRARIES})
  target_include_directories(${name}_objs PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_features(${name}_objs PUBLIC cxx_std_20)
  set_target_properties(${name}_objs PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(TARGET sipward_module_pch) # in the tree only
    target_precompile_headers(${name}_objs REUSE_FROM sipward_module_pch)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
      target_compile_options(${name}_objs PRIVATE -fpch-preprocess)
    endif()
  endif()
  if(COMMAND sipward_warnings)
    sipward_warnings(${name}_objs)
  endif()
  add_library(${name} MODULE)
  target_link_libraries(${name} PRIVATE ${name}_objs)
  set_target_properties(${name} PROPERTIES PREFIX "" LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${SIPWARD_MODULES_DIR})
  if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,-z,defs) # a missing symbol fails here, not at dlopen
  endif()
  # Where a group may write to new files and folders (umask 002), the server would refuse what was built.
  add_custom_command(TARGET ${name} POST_BUILD COMMAND chmod go-w $<TARGET_FILE:${name}> $<TARGET_FILE_DIR:${name}>
    VERBATIM)
  install(TARGETS ${name} LIBRARY DESTINATION ${SIPWARD_MODULES_DIR})
endfunction()
