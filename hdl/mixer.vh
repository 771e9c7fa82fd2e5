// Random bits as a function: the twin of fixed_point::absorb and fixed_point::lane_bits (src/fixed_point/mix.rs),
// equal to the last bit. To be included in a module body or in a named generate block; needs nothing around it.
//
//   key' = mix_absorb(key, word)                once per column or neuron
//   bits = mix_lane(key + row * 32'h9E3779B9)   once per lane; the caller adds: a counter replaces the product, and
//                                               lanes of one chunk differ by constants
//
// Combinational. mix_absorb is four 32-bit adders and two rows of exclusive-or, mix_lane two and two.

// Absorbs one word into the key: one round of Jenkins' one-at-a-time hash over 32 bits.
function automatic [31:0] mix_absorb;
  input [31:0] key;
  input [31:0] word;
  reg [31:0] h;
  begin
    h = key + word;
    h = h + (h << 10);
    h = h ^ (h >> 6);
    h = h + (h << 3);
    h = h ^ (h >> 11);
    mix_absorb = h + (h << 15);
  end
endfunction

// The bits of one row, from the column's key plus the row's offset.
function automatic [31:0] mix_lane;
  input [31:0] key_plus_row;
  reg [31:0] z;
  begin
    z = key_plus_row ^ (key_plus_row >> 15) ^ (key_plus_row << 13);
    z = z + (z << 3);
    z = z ^ (z >> 10) ^ (z << 12);
    mix_lane = z + (z << 5);
  end
endfunction
