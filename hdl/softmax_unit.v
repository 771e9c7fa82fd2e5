// SPDX-License-Identifier: Apache-2.0
// Softmax read-out: from the drives of the output neurons to their pull on the network, sign * Beta * (y - p).
//
//   collect   drives come one per cycle, index 0 first; the greatest is kept
//   sum       E = table[greatest - drive], summed exactly        one per cycle
//   invert    R = table[ten bits below the sum's leading one]
//   pull      P = E R >> (14 + n), requantise(+-Beta (y - P))     one per cycle
//
// Probabilities have 16 fraction bits. Latency: 2 Outputs + 10 cycles from the last drive to the last pull; one set of
// drives at a time. The twin is src/fixed_point/softmax.rs with reference::neuron::Pull.

`default_nettype none

module softmax_unit #(
  parameter Outputs = 10,
  parameter IndexWidth = 4,
  parameter LabelWidth = 4,
  parameter DriveWidth = 10,
  parameter DriveSigned = 1,
  parameter SumWidth = 20,         // of all exponentials: 16 bits each
  parameter StateWidth = 10,       // signed
  parameter Beta = 1,
  parameter BetaWidth = 16,        // signed
  parameter PullShift = 16,        // bits dropped from Beta (y - P) to the state
  parameter StateRounding = 2,
  parameter StateOverflow = 1,
  parameter ExponentialFile = "none",
  parameter ReciprocalFile = "none"
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  // Drives.
  input  wire                         valid_i,
  input  wire                         last_i,
  input  wire [IndexWidth-1:0]        index_i,
  input  wire [DriveWidth-1:0]        drive_i,
  // Held until the last pull is out.
  input  wire                         negative_i,      // sign of the nudge
  input  wire [LabelWidth-1:0]        label_i,
  // Random bits for the requantiser: of random_index_o, one cycle later.
  output wire [IndexWidth-1:0]        random_index_o,
  input  wire [31:0]                  random_i,
  // Pulls.
  output reg                          valid_o,
  output reg                          last_o,
  output reg  [IndexWidth-1:0]        index_o,
  output reg  [DriveWidth-1:0]        drive_o,
  output reg  [StateWidth-1:0]        state_o
);

  localparam [2:0] StCollect = 3'd0, StSum = 3'd1, StSettle = 3'd2, StInvert = 3'd3, StPull = 3'd4;
  localparam PullWidth = BetaWidth + 18;
  localparam ShiftWidth = 5;
  localparam OutputWidth = $clog2(Outputs);  // an output's number needs no more

  reg [DriveWidth-1:0] drives_q [0:Outputs-1];
  reg [15:0] exponentials_q [0:Outputs-1];

  reg [2:0] state_q;
  reg [IndexWidth-1:0] count_q;
  reg [1:0] wait_q;
  wire issue = (state_q == StSum) || (state_q == StPull);
  wire final_count = ({{(32-IndexWidth){1'b0}}, count_q} == Outputs - 1);

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StCollect;
    end else begin
      case (state_q)
        StSum, StPull: begin
          count_q <= count_q + 1'b1;
          if (final_count) begin
            state_q <= (state_q == StSum) ? StSettle : StCollect;
            wait_q <= 2'd3;
          end
        end
        // The last exponential is summed.
        StSettle: begin
          wait_q <= wait_q - 1'b1;
          if (wait_q == 2'd1) begin
            state_q <= StInvert;
            wait_q <= 2'd2;
          end
        end
        // Its reciprocal is looked up.
        StInvert: begin
          wait_q <= wait_q - 1'b1;
          count_q <= {IndexWidth{1'b0}};
          if (wait_q == 2'd1) state_q <= StPull;
        end
        default: begin
          count_q <= {IndexWidth{1'b0}};
          if (valid_i && last_i) state_q <= StSum;
        end
      endcase
    end
  end

  // Collect.
  reg [DriveWidth-1:0] greatest_q;
  wire signed [DriveWidth:0] drive = {(DriveSigned != 0) && drive_i[DriveWidth-1], drive_i};
  wire signed [DriveWidth:0] greatest = {(DriveSigned != 0) && greatest_q[DriveWidth-1], greatest_q};
  always @(posedge clk_i) begin
    if (valid_i) drives_q[index_i[OutputWidth-1:0]] <= drive_i;
    if (valid_i && (index_i == {IndexWidth{1'b0}} || drive > greatest)) greatest_q <= drive_i;
  end

  // Both passes read drives and exponentials.
  reg [DriveWidth-1:0] drive1_q, drive2_q, drive3_q, drive4_q;
  reg [15:0] exponential1_q;
  reg [IndexWidth-1:0] index1_q, index2_q, index3_q, index4_q;
  reg sum1_q, sum2_q, pull1_q, pull2_q, pull3_q, pull4_q, last1_q, last2_q, last3_q, last4_q;
  always @(posedge clk_i) begin
    drive1_q <= drives_q[count_q[OutputWidth-1:0]];
    exponential1_q <= exponentials_q[count_q[OutputWidth-1:0]];
    {index1_q, index2_q, index3_q, index4_q} <= {count_q, index1_q, index2_q, index3_q};
    {drive2_q, drive3_q, drive4_q} <= {drive1_q, drive2_q, drive3_q};
    {last1_q, last2_q, last3_q, last4_q} <= {final_count, last1_q, last2_q, last3_q};
    if (!rst_ni) {sum1_q, sum2_q, pull1_q, pull2_q, pull3_q, pull4_q} <= 6'd0;
    else {sum1_q, sum2_q, pull1_q, pull2_q, pull3_q, pull4_q} <=
             {issue && state_q == StSum, sum1_q, issue && state_q == StPull, pull1_q, pull2_q, pull3_q};
  end

  // Sum.
  wire [15:0] exponential2;
  wire [DriveWidth-1:0] distance1 = greatest_q - drive1_q;
  function_table #(.InWidth(DriveWidth), .OutWidth(16), .File(ExponentialFile)) u_exponential (
    .clk_i(clk_i), .value_i(distance1), .result_o(exponential2)
  );
  reg [SumWidth-1:0] sum_q;
  always @(posedge clk_i) begin
    if (state_q == StCollect) sum_q <= {SumWidth{1'b0}};
    else if (sum2_q) sum_q <= sum_q + {{(SumWidth-16){1'b0}}, exponential2};
    if (sum2_q) exponentials_q[index2_q[OutputWidth-1:0]] <= exponential2;
  end

  // Invert. The sum is at least 2^15: the greatest drive's exponential.
  function [ShiftWidth-1:0] excess;  // floor(log2 sum) - 15
    input [SumWidth-1:0] value;
    integer b;
    begin
      excess = {ShiftWidth{1'b0}};
      for (b = 15; b < SumWidth; b = b + 1)
        if (value[b]) excess = b[ShiftWidth-1:0] - 5'd15;
    end
  endfunction
  reg [ShiftWidth-1:0] excess_q;
  reg [9:0] mantissa_q;
  /* verilator lint_off UNUSED */
  wire [SumWidth-1:0] normal = sum_q >> (excess(sum_q) + 5'd5);
  /* verilator lint_on UNUSED */
  wire [15:0] reciprocal;
  always @(posedge clk_i) begin
    if (state_q == StInvert && wait_q == 2'd2) begin
      excess_q <= excess(sum_q);
      mantissa_q <= normal[9:0];
    end
  end
  function_table #(.InWidth(10), .OutWidth(16), .File(ReciprocalFile)) u_reciprocal (
    .clk_i(clk_i), .value_i(mantissa_q), .result_o(reciprocal)
  );

  // Pull.
  reg [31:0] product2_q;
  /* verilator lint_off UNUSED */
  wire [31:0] probability2 = product2_q >> (excess_q + 5'd14);
  /* verilator lint_on UNUSED */
  reg [16:0] probability3_q;
  wire signed [BetaWidth-1:0] beta = Beta[BetaWidth-1:0];
  wire is_label = ({{(32-IndexWidth){1'b0}}, index3_q} == {{(32-LabelWidth){1'b0}}, label_i});
  wire signed [17:0] error3 = $signed({1'b0, is_label, 16'd0}) - $signed({1'b0, probability3_q});
  reg signed [PullWidth-1:0] pull4_value_q;
  wire signed [PullWidth-1:0] scaled3 = {{BetaWidth{error3[17]}}, error3} * {{18{beta[BetaWidth-1]}}, beta};
  wire [StateWidth-1:0] state4;
  /* verilator lint_off UNUSED */
  wire saturated4;
  /* verilator lint_on UNUSED */
  requantise #(
    .InWidth(PullWidth), .Shift(PullShift), .OutWidth(StateWidth), .OutSigned(1), .Rounding(StateRounding),
    .Overflow(StateOverflow)
  ) u_state (
    .in_i(pull4_value_q), .random_i(random_i), .out_o(state4), .saturated_o(saturated4)
  );
  assign random_index_o = index3_q;
  always @(posedge clk_i) begin
    product2_q <= exponential1_q * reciprocal;
    probability3_q <= probability2[16:0];
    pull4_value_q <= negative_i ? -scaled3 : scaled3;
    valid_o <= rst_ni && pull4_q;
    last_o <= rst_ni && pull4_q && last4_q;
    index_o <= index4_q;
    drive_o <= drive4_q;
    state_o <= state4;
  end

endmodule

`default_nettype wire
