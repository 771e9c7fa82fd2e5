// SPDX-License-Identifier: Apache-2.0
// Random bits as a function: the twin of fixed_point::absorb and fixed_point::row_bits (src/fixed_point/mix.rs),
// equal to the last bit. To be included in a module body or in a named generate block; needs nothing around it.
//
//   key' = mix_absorb(key, word)                once per column or neuron
//   bits = mix_row(key + row * 32'h9E3779B9)    once per neuron, or per pair of lanes (fixed_point::lane_bits: the odd
//                                               lane sees the word, the even one its halves exchanged); the caller
//                                               adds: lanes of one chunk differ by constants
//
// Combinational. mix_absorb is four 32-bit adders and two rows of exclusive-or, mix_row two and three (and the caller's
// adder). Each comes in two halves as well, of two adders at most: what a clock cycle has room for. A register goes
// between mix_absorb_1 and mix_absorb_2, or mix_row_1 and mix_row_2.

// Absorbs one word into the key: one round of Jenkins' one-at-a-time hash over 32 bits.
function automatic [31:0] mix_absorb_1;
  input [31:0] key;
  input [31:0] word;
  reg [31:0] h;
  begin
    h = key + word;
    h = h + (h << 10);
    mix_absorb_1 = h ^ (h >> 6);
  end
endfunction

function automatic [31:0] mix_absorb_2;
  input [31:0] half;
  reg [31:0] h;
  begin
    h = half + (half << 3);
    h = h ^ (h >> 11);
    mix_absorb_2 = h + (h << 15);
  end
endfunction

function automatic [31:0] mix_absorb;
  input [31:0] key;
  input [31:0] word;
  mix_absorb = mix_absorb_2(mix_absorb_1(key, word));
endfunction

// The bits of one row, from the column's key plus the row's offset.
function automatic [31:0] mix_row_1;
  input [31:0] key_plus_row;
  reg [31:0] z;
  begin
    z = key_plus_row ^ (key_plus_row >> 14);
    z = z + (z << 3);
    mix_row_1 = z ^ (z >> 4) ^ (z << 16);
  end
endfunction

function automatic [31:0] mix_row_2;
  input [31:0] half;
  reg [31:0] z;
  begin
    z = half + (half << 10);
    mix_row_2 = z ^ (z >> 11);
  end
endfunction

function automatic [31:0] mix_row;
  input [31:0] key_plus_row;
  mix_row = mix_row_2(mix_row_1(key_plus_row));
endfunction
