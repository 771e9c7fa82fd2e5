// SPDX-License-Identifier: Apache-2.0
// One-write, one-read memory of whole words; infers block RAM.
//
// Width     bits of a word
// Depth     words
// Latency   read data one cycle after the address; a word written in a cycle is not read in that cycle (the reader
//           would get the old word: no design here asks for it, so synthesis may drop the bypass)

`default_nettype none

module word_memory #(
  parameter Width = 16,
  parameter Depth = 16,
  parameter AddressWidth = 4
) (
  input  wire                    clk_i,
  input  wire                    write_i,
  /* verilator lint_off UNUSED */
  input  wire [AddressWidth-1:0] write_address_i,
  input  wire [Width-1:0]        write_data_i,
  input  wire [AddressWidth-1:0] read_address_i,
  /* verilator lint_on UNUSED */
  output reg  [Width-1:0]        read_data_o
);

  reg [Width-1:0] words_q [0:Depth-1];

  // Where the words are a power of two, addresses count one bit further than needed.
  /* verilator lint_off WIDTH */
  always @(posedge clk_i) begin
    if (write_i) words_q[write_address_i] <= write_data_i;
    read_data_o <= words_q[read_address_i];
  end
  /* verilator lint_on WIDTH */

endmodule

`default_nettype wire
