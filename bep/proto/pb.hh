// The generated protobuf classes, behind one door that keeps their warnings out of ours.
// Only .cc files of this folder and its tests include this.
#pragma once
#pragma GCC system_header

#include "bep/proto/bep.pb.h"
#include "bep/proto/weft.pb.h"
