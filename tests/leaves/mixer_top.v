// The registered mixer and one lane's bits, side by side.

`default_nettype none

module mixer_top (
  input  wire        clk_i,
  input  wire [31:0] key_i,
  input  wire [31:0] word_i,
  output wire [31:0] absorbed_o,
  output wire [31:0] bits_o       // of row word_i under column key key_i
);

  `include "mixer.vh"

  mixer u_mixer (.clk_i(clk_i), .key_i(key_i), .word_i(word_i), .key_o(absorbed_o));

  assign bits_o = mix_row(key_i + word_i * 32'h9E3779B9);

endmodule

`default_nettype wire
