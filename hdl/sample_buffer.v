// SPDX-License-Identifier: Apache-2.0
// Takes samples from a stream, keeps their non-zero inputs as a list, two samples deep: the next one loads while the
// present one is learned. A zero input feeds nothing forward and learns nothing, so a dense layer never visits its column;
// a kernel is moved over all of them (All).
//
// One input value per beat, `last` with the final one; label and train flag are taken with `last`. `drop` with `last`
// forgets what has come of the sample instead: a bus that finds a packet cut short takes it back so.
// Latency: list data one cycle after the address.

`default_nettype none

module sample_buffer #(
  parameter InputWidth = 8,
  parameter IndexWidth = 6,        // bits of an input number
  parameter CountWidth = 7,        // bits of a count 0 .. Inputs
  parameter LabelWidth = 4,
  parameter All = 0                // 1: zeros are kept, too; an input's place in the list is its number
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Stream.
  input  wire                  valid_i,
  output wire                  ready_o,
  input  wire [InputWidth-1:0] data_i,
  input  wire                  last_i,
  input  wire                  drop_i,
  input  wire [LabelWidth-1:0] label_i,
  input  wire                  train_i,
  // Present sample.
  output wire                  full_o,
  input  wire                  release_i,
  output wire [CountWidth-1:0] count_o,
  output wire [LabelWidth-1:0] label_o,
  output wire                  train_o,
  // List.
  input  wire [CountWidth-1:0] entry_i,
  output wire [IndexWidth-1:0] index_o,
  output wire [InputWidth-1:0] value_o
);

  reg fill_bank_q, read_bank_q;
  reg [1:0] full_q;
  reg [CountWidth-1:0] position_q, count_q;
  reg [CountWidth-1:0] count0_q, count1_q;
  reg [LabelWidth-1:0] label0_q, label1_q;
  reg train0_q, train1_q;

  assign ready_o = !full_q[fill_bank_q];
  assign full_o = full_q[read_bank_q];
  assign count_o = read_bank_q ? count1_q : count0_q;
  assign label_o = read_bank_q ? label1_q : label0_q;
  assign train_o = read_bank_q ? train1_q : train0_q;

  wire beat = valid_i && ready_o;
  wire keep = beat && (All != 0 || data_i != {InputWidth{1'b0}});
  wire [CountWidth-1:0] count_d = keep ? count_q + {{(CountWidth-1){1'b0}}, 1'b1} : count_q;

  wire [IndexWidth+InputWidth-1:0] entry;
  assign index_o = entry[InputWidth+:IndexWidth];
  assign value_o = entry[InputWidth-1:0];
  word_memory #(
    .Width(IndexWidth + InputWidth), .Depth(2 * (1 << CountWidth)), .AddressWidth(CountWidth + 1)
  ) u_list (
    .clk_i(clk_i),
    .write_i(keep),
    .write_address_i({fill_bank_q, count_q}),
    .write_data_i({position_q[IndexWidth-1:0], data_i}),
    .read_address_i({read_bank_q, entry_i}),
    .read_data_o(entry)
  );

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fill_bank_q <= 1'b0;
      read_bank_q <= 1'b0;
      full_q <= 2'b00;
      position_q <= {CountWidth{1'b0}};
      count_q <= {CountWidth{1'b0}};
    end else begin
      if (release_i) begin
        full_q[read_bank_q] <= 1'b0;
        read_bank_q <= !read_bank_q;
      end
      if (beat) begin
        position_q <= position_q + {{(CountWidth-1){1'b0}}, 1'b1};
        count_q <= count_d;
        if (last_i) begin
          position_q <= {CountWidth{1'b0}};
          count_q <= {CountWidth{1'b0}};
          if (!drop_i) begin
            full_q[fill_bank_q] <= 1'b1;
            fill_bank_q <= !fill_bank_q;
          end
        end
      end
    end
    if (beat && last_i && !fill_bank_q) begin
      count0_q <= count_d;
      label0_q <= label_i;
      train0_q <= train_i;
    end
    if (beat && last_i && fill_bank_q) begin
      count1_q <= count_d;
      label1_q <= label_i;
      train1_q <= train_i;
    end
  end

endmodule

`default_nettype wire
